// Energies that are linear in an atom's features.
#if defined(GRAPEVINE_MACE_LINEAR_READOUT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_MACE_LINEAR_READOUT_INL
#undef GRAPEVINE_MACE_LINEAR_READOUT_INL
#else
#define GRAPEVINE_MACE_LINEAR_READOUT_INL
#endif

#include <cstddef>
#include <vector>

#include "models/equivariant/features-inl.hpp"
#include "models/equivariant/rows.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

using namespace equivariant::HWY_NAMESPACE;

template <class Real>
class LinearReadout {
 public:
  /// `weight` is of all even scalars, or empty: then there is no energy.
  LinearReadout(const IrrepsList& irreps, const std::vector<double>& weight) {
    if (!weight.empty()) weight_ = equivariant::in_precision<Real>(even_scalar_row(irreps, weight.data()));
  }

  double energy(int atom, const BlockFeatures<Real>& x) const {
    double sum = 0;
    for_each_scalar(atom, x,
                    [&](Real weight, Real& value) { sum += static_cast<double>(weight) * static_cast<double>(value); });
    return sum;
  }

  /// dx += factor times the gradient of the energy.
  void add_gradient(int atoms, Real factor, const BlockFeatures<Real>& dx) const {
    for (int a = 0; a < atoms; ++a) for_each_scalar(a, dx, [&](Real weight, Real& value) { value += factor * weight; });
  }

 private:
  template <class Function>
  void for_each_scalar(int atom, const BlockFeatures<Real>& x, const Function& function) const {
    if (weight_.empty()) return;
    for (int i = 0; i < x.layout->count(); ++i) {
      if (!x.layout->irreps()[static_cast<std::size_t>(i)].is_even_scalar()) continue;
      Real* values = x.of(i) + atom * x.layout->size(i);
      for (std::ptrdiff_t c = 0; c < x.layout->size(i); ++c) function(weight_[x.layout->offset(i) + c], values[c]);
    }
  }

  std::vector<Real> weight_;  // a row
};

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
