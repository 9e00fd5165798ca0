// The products of mixing coefficients that the first linear map of a network is fused with, and what a gradient by the
// fused map means for both.
#if defined(GRAPEVINE_REANN_MIXING_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_MIXING_PRODUCTS_INL
#undef GRAPEVINE_REANN_MIXING_PRODUCTS_INL
#else
#define GRAPEVINE_REANN_MIXING_PRODUCTS_INL
#endif

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/reann/network_gradient-inl.hpp"
#include "models/reann/parameters.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// P[g][m] = f H_l[k][m] H_l[q][m] of one pass, g = (l, k <= q), f = 1 for k = q and 2 otherwise, so that
/// rho_m = sum_g P[g][m] G_g and the fused map is F[o][g] = sum_m W[o][m] P[g][m].
template <class Real>
class MixingProducts {
 public:
  MixingProducts(const Parameters& parameters, int t)
      : waves_(parameters.waves),
        orders_(parameters.max_order + 1),
        orbitals_(parameters.orbitals),
        entries_(orders_ * waves_ * (waves_ + 1) / 2),
        orbital_stride_(whole_rows<Real>(orbitals_)),
        entry_stride_(whole_rows<Real>(entries_)),
        mixing_(&parameters.mixing[static_cast<std::size_t>(t) * mixing_size()]),
        by_entry_(static_cast<std::size_t>(entries_) * orbital_stride_),
        by_orbital_(static_cast<std::size_t>(orbitals_) * entry_stride_) {
    for_each_entry([&](int g, const double* k, const double* q) {
      const double factor = k == q ? 1 : 2;
      for (int m = 0; m < orbitals_; ++m) {
        const Real product = static_cast<Real>(factor * k[m] * q[m]);
        by_entry_[static_cast<std::size_t>(g) * orbital_stride_ + m] = product;
        by_orbital_[static_cast<std::size_t>(m) * entry_stride_ + g] = product;
      }
    });
  }

  std::size_t mixing_size() const { return static_cast<std::size_t>(orders_ * waves_) * orbitals_; }

  /// F as [outputs][entries].
  std::vector<Real> fuse(const Linear& linear) const {
    const std::vector<Real> weight = converted<Real>(linear.weight);
    simd::AlignedVector<Real> padded(static_cast<std::size_t>(linear.outputs) * entry_stride_);
    multiply_add<Real>(linear.outputs, orbitals_, entry_stride_, {weight.data(), orbitals_, 1}, by_orbital_.data(),
                       entry_stride_, padded.data(), entry_stride_);
    std::vector<Real> fused;
    fused.reserve(static_cast<std::size_t>(linear.outputs) * entries_);
    for (int o = 0; o < linear.outputs; ++o) {
      const auto row = padded.begin() + static_cast<std::ptrdiff_t>(o) * entry_stride_;
      fused.insert(fused.end(), row, row + entries_);
    }
    return fused;
  }

  /// Adds to the gradients by W and by H what a gradient by F means; `mixing_gradient` is [L + 1][K][M].
  void add_gradient(const LinearGradient<Real>& fused, const Linear& linear, Linear& linear_gradient,
                    double* mixing_gradient) const {
    const int outputs = linear.outputs;
    simd::AlignedVector<Real> by_weight(static_cast<std::size_t>(outputs) * orbital_stride_);
    multiply_add<Real>(outputs, entries_, orbital_stride_, {fused.weight(), fused.stride(), 1}, by_entry_.data(),
                       orbital_stride_, by_weight.data(), orbital_stride_);
    for (int o = 0; o < outputs; ++o)
      for (int m = 0; m < orbitals_; ++m)
        linear_gradient.weight[static_cast<std::size_t>(o) * orbitals_ + m] +=
            static_cast<double>(by_weight[static_cast<std::size_t>(o) * orbital_stride_ + m]);
    fused.bias().add_to(linear_gradient.bias);
    add_mixing_gradient(fused, linear, mixing_gradient);
  }

 private:
  template <class Function>
  void for_each_entry(const Function& function) const {
    int g = 0;
    for (int l = 0; l < orders_; ++l)
      for (int k = 0; k < waves_; ++k)
        for (int q = k; q < waves_; ++q) function(g++, row(mixing_, l, k), row(mixing_, l, q));
  }

  template <class Number>
  Number* row(Number* mixing, int l, int k) const {
    return mixing + static_cast<std::ptrdiff_t>(l * waves_ + k) * orbitals_;
  }

  void add_mixing_gradient(const LinearGradient<Real>& fused, const Linear& linear, double* mixing_gradient) const {
    simd::AlignedVector<Real> weight(static_cast<std::size_t>(linear.outputs) * orbital_stride_);
    for (int o = 0; o < linear.outputs; ++o)
      for (int m = 0; m < orbitals_; ++m)
        weight[static_cast<std::size_t>(o) * orbital_stride_ + m] =
            static_cast<Real>(linear.weight[static_cast<std::size_t>(o) * orbitals_ + m]);
    simd::AlignedVector<Real> by_product(static_cast<std::size_t>(entries_) * orbital_stride_);
    multiply_add<Real>(entries_, linear.outputs, orbital_stride_, {fused.weight(), 1, fused.stride()}, weight.data(),
                       orbital_stride_, by_product.data(), orbital_stride_);
    for_each_entry([&](int g, const double* k, const double* q) {
      const Real* slope = &by_product[static_cast<std::size_t>(g) * orbital_stride_];
      double* by_k = mixing_gradient + (k - mixing_);
      double* by_q = mixing_gradient + (q - mixing_);
      for (int m = 0; m < orbitals_; ++m) {
        const double d = (k == q ? 1 : 2) * static_cast<double>(slope[m]);
        by_k[m] += d * q[m];
        by_q[m] += d * k[m];
      }
    });
  }

  int waves_;
  int orders_;
  int orbitals_;
  int entries_;
  int orbital_stride_;
  int entry_stride_;
  const double* mixing_;
  simd::AlignedVector<Real> by_entry_;    // [entries][orbital_stride]
  simd::AlignedVector<Real> by_orbital_;  // [orbitals][entry_stride]
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
