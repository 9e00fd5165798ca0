// The root mean square norm of a block of atoms.
#if defined(GRAPEVINE_EQUIVARIANT_RMS_NORM_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_RMS_NORM_INL
#undef GRAPEVINE_EQUIVARIANT_RMS_NORM_INL
#else
#define GRAPEVINE_EQUIVARIANT_RMS_NORM_INL
#endif

#include <cmath>
#include <cstddef>
#include <vector>

#include "models/equivariant/features-inl.hpp"
#include "models/equivariant/rms_norm.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Calls function(irreps, first channel, place) for every line of an atom's numbers.
template <class Real, class Function>
HWY_INLINE void for_each_line(const BlockFeatures<Real>& z, int atom, const Function& function) {
  for (int i = 0; i < z.layout->count(); ++i) {
    const std::ptrdiff_t begin = z.layout->size(i) * atom;
    const int row = z.layout->channels(i);
    for (std::ptrdiff_t n = 0; n < z.layout->size(i); n += Line<Real>::lanes)
      function(i, static_cast<int>(n % row), begin + n);
  }
}

/// RmsNorm for blocks of atoms: n = weight s z with s = 1 / sqrt( sum_i share_i |z_i|^2 + epsilon ).
template <class Real>
class RmsNormKernel {
 public:
  RmsNormKernel(const RmsNorm& norm, const Layout& layout) : epsilon_(norm.epsilon) {
    std::size_t from = 0;
    for (int i = 0; i < layout.count(); ++i) {
      share_.push_back(static_cast<Real>(norm.share[i]));
      simd::AlignedVector<Real>& weight = weight_.emplace_back();
      weight.assign(layout.channels(i), Real(0));
      for (int c = 0; c < layout.irreps()[i].channels; ++c) weight[c] = static_cast<Real>(norm.weight[from++]);
    }
  }

  /// inverse[atoms] gets s.
  template <int K = 0>
  HWY_NOINLINE void forward(int atoms, const BlockFeatures<Real>& z, const BlockFeatures<Real>& n,
                            Real* inverse) const {
    using P = Line<Changing<Real, K>>;
    for (int a = 0; a < atoms; ++a) {
      const auto s = inverse_norm<K>(atoms, a, z);
      inverse[a] = value_of(s);
      for_each_line(z, a, [&](int i, int c, std::ptrdiff_t at) HWY_ATTR {
        const std::ptrdiff_t plane = atoms * z.layout->size(i);
        store_planes(weight(i, c) * broadcast<P>(s) * load_planes<P>(z.of(i) + at, plane), n.of(i) + at, plane);
      });
    }
  }

  /// dE/dn in d becomes dE/dz. With q = sum_k weight_k z_k dE/dn_k: dE/dz = s weight dE/dn - s^3 q share z.
  template <int K = 0>
  HWY_NOINLINE void backward(int atoms, const BlockFeatures<Real>& z, const Real* inverse,
                             const BlockFeatures<Real>& d) const {
    using P = Line<Changing<Real, K>>;
    for (int a = 0; a < atoms; ++a) {
      double sum[1 + K] = {};
      for_each_line(z, a, [&](int i, int c, std::ptrdiff_t at) HWY_ATTR {
        const std::ptrdiff_t plane = atoms * z.layout->size(i);
        add_lanes(weight(i, c) * load_planes<P>(z.of(i) + at, plane) * load_planes<P>(d.of(i) + at, plane), sum);
      });
      Changing<Real, K> s;
      if constexpr (K == 0)
        s = inverse[a];
      else
        s = inverse_norm<K>(atoms, a, z);
      const Changing<Real, K> inward = s * s * s * number<K>(sum);
      for_each_line(z, a, [&](int i, int c, std::ptrdiff_t at) HWY_ATTR {
        const std::ptrdiff_t plane = atoms * z.layout->size(i);
        const P scaled = weight(i, c) * broadcast<P>(s) * load_planes<P>(d.of(i) + at, plane);
        const P share = broadcast<Line<Real>>(share_[i]) * broadcast<P>(inward);
        store_planes(scaled - share * load_planes<P>(z.of(i) + at, plane), d.of(i) + at, plane);
      });
    }
  }

  /// s of an atom; its changes are -s^3 sum_i share_i z_i . change of z_i.
  template <int K>
  Changing<Real, K> inverse_norm(int atoms, int atom, const BlockFeatures<Real>& z) const {
    double sum = epsilon_;
    double s[1 + K] = {};
    for_each_line(z, atom, [&](int i, int, std::ptrdiff_t at) HWY_ATTR {
      const auto line = load<Line<Real>>(z.of(i) + at);
      sum += static_cast<double>(share_[i] * sum_of_lanes(line * line));
      for (int k = 1; k <= K; ++k) {
        const auto there = load<Line<Real>>(z.of(i) + at + k * atoms * z.layout->size(i));
        s[k] -= static_cast<double>(share_[i] * sum_of_lanes(line * there));
      }
    });
    s[0] = 1 / std::sqrt(sum);
    for (int k = 1; k <= K; ++k) s[k] *= s[0] / sum;
    return number<K>(s);
  }

 private:
  /// From its value and its changes.
  template <int K>
  static Changing<Real, K> number(const double* from) {
    Changing<Real, K> x(static_cast<Real>(from[0]));
    if constexpr (K > 0)
      for (int k = 0; k < K; ++k) x.change[k] = static_cast<Real>(from[1 + k]);
    return x;
  }

  static Real value_of(Real x) { return x; }
  template <int K>
  static Real value_of(const simd::Jet<Real, K>& x) {
    return x.value;
  }

  static HWY_INLINE void add_lanes(const Line<Real>& x, double* sum) { *sum += static_cast<double>(sum_of_lanes(x)); }
  template <int K>
  static HWY_INLINE void add_lanes(const Line<simd::Jet<Real, K>>& x, double* sum) {
    add_lanes(x.value, sum);
    for (int k = 0; k < K; ++k) add_lanes(x.change[k], sum + 1 + k);
  }

  HWY_INLINE Line<Real> weight(int i, int channel) const { return load<Line<Real>>(weight_[i].data() + channel); }

  double epsilon_;
  std::vector<Real> share_;
  std::vector<simd::AlignedVector<Real>> weight_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
