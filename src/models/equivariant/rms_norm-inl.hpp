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
  HWY_NOINLINE void forward(int atoms, const BlockFeatures<Real>& z, const BlockFeatures<Real>& n,
                            Real* inverse) const {
    for (int a = 0; a < atoms; ++a) {
      double sum = epsilon_;
      for_each_line(z, a, [&](int i, int, std::ptrdiff_t at) HWY_ATTR {
        const auto line = load<Line<Real>>(z.of(i) + at);
        sum += static_cast<double>(share_[i] * sum_of_lanes(line * line));
      });
      inverse[a] = static_cast<Real>(1 / std::sqrt(sum));
      for_each_line(z, a, [&](int i, int c, std::ptrdiff_t at) HWY_ATTR {
        using P = Line<Real>;
        store(broadcast<P>(inverse[a]) * load<P>(weight_[i].data() + c) * load<P>(z.of(i) + at), n.of(i) + at);
      });
    }
  }

  /// dE/dn in d becomes dE/dz. With q = sum_k weight_k z_k dE/dn_k: dE/dz = s weight dE/dn - s^3 q share z.
  HWY_NOINLINE void backward(int atoms, const BlockFeatures<Real>& z, const Real* inverse,
                             const BlockFeatures<Real>& d) const {
    using P = Line<Real>;
    for (int a = 0; a < atoms; ++a) {
      double sum = 0;
      for_each_line(z, a, [&](int i, int c, std::ptrdiff_t at) HWY_ATTR {
        sum += static_cast<double>(
            sum_of_lanes(load<P>(weight_[i].data() + c) * load<P>(z.of(i) + at) * load<P>(d.of(i) + at)));
      });
      const Real s = inverse[a];
      const Real inward = s * s * s * static_cast<Real>(sum);
      for_each_line(z, a, [&](int i, int c, std::ptrdiff_t at) HWY_ATTR {
        const P scaled = broadcast<P>(s) * load<P>(weight_[i].data() + c) * load<P>(d.of(i) + at);
        store(scaled - broadcast<P>(inward * share_[i]) * load<P>(z.of(i) + at), d.of(i) + at);
      });
    }
  }

 private:
  /// Calls function(irreps, first channel, place) for every line of an atom's numbers.
  template <class Function>
  static HWY_INLINE void for_each_line(const BlockFeatures<Real>& z, int atom, const Function& function) {
    for (int i = 0; i < z.layout->count(); ++i) {
      const std::ptrdiff_t begin = z.layout->size(i) * atom;
      const int row = z.layout->channels(i);
      for (std::ptrdiff_t n = 0; n < z.layout->size(i); n += Line<Real>::lanes)
        function(i, static_cast<int>(n % row), begin + n);
    }
  }

  double epsilon_;
  std::vector<Real> share_;
  std::vector<simd::AlignedVector<Real>> weight_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
