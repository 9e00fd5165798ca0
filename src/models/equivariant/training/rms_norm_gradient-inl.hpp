// Sums of the gradient of a loss by the weights of a root mean square norm.
#if defined(GRAPEVINE_EQUIVARIANT_RMS_NORM_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_RMS_NORM_GRADIENT_INL
#undef GRAPEVINE_EQUIVARIANT_RMS_NORM_GRADIENT_INL
#else
#define GRAPEVINE_EQUIVARIANT_RMS_NORM_GRADIENT_INL
#endif

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

#include "models/equivariant/rms_norm-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Of RmsNormKernel; see MatrixGradient for what is summed.
template <class Real>
class RmsNormGradient {
 public:
  explicit RmsNormGradient(const Layout& layout) {
    for (int i = 0; i < layout.count(); ++i) {
      sum_.emplace_back(static_cast<std::size_t>(layout.channels(i)), Real(0));
      channels_.push_back(layout.irreps()[i].channels);
    }
  }

  void clear() {
    for (simd::AlignedVector<Real>& sum : sum_) std::fill(sum.begin(), sum.end(), Real(0));
  }

  /// dn is dE/dn, before the way back through the norm. The changes of all atoms stand behind their values.
  HWY_NOINLINE void add(int atoms, const RmsNormKernel<Real>& norm, const BlockFeatures<Real>& z,
                        const BlockFeatures<Real>& dn) {
    using P = Line<Changing<Real, 1>>;
    for (int a = 0; a < atoms; ++a) {
      const Changing<Real, 1> s = norm.template inverse_norm<1>(atoms, a, z);
      for_each_line(z, a, [&](int i, int c, std::ptrdiff_t at) HWY_ATTR {
        const std::ptrdiff_t plane = atoms * z.layout->size(i);
        const P scaled = broadcast<P>(s) * load_planes<P>(z.of(i) + at, plane);
        Real* to = sum_[i].data() + c;
        store(load<Line<Real>>(to) + change_of_product(scaled, load_planes<P>(dn.of(i) + at, plane)), to);
      });
    }
  }
  void add(const RmsNormGradient& other) {
    for (std::size_t i = 0; i < sum_.size(); ++i)
      std::transform(sum_[i].begin(), sum_[i].end(), other.sum_[i].begin(), sum_[i].begin(), std::plus<>());
  }

  /// [channels of all irreps], as RmsNorm has them
  void add_to(std::vector<double>& weight) const {
    double* to = weight.data();
    for (std::size_t i = 0; i < sum_.size(); ++i)
      for (int c = 0; c < channels_[i]; ++c) *to++ += static_cast<double>(sum_[i][c]);
  }

 private:
  std::vector<simd::AlignedVector<Real>> sum_;  // [irreps][padded channels]
  std::vector<int> channels_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
