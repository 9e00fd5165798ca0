#include "models/nequip/model.hpp"
#include "models/nequip/radial_splines.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/nequip/model_float.cpp"
#include <hwy/foreach_target.h>

#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

using equivariant::RadialSpline;

/// `splines` are none where the radial networks have to be evaluated.
std::shared_ptr<const Model<float>> make_model_in_float(std::shared_ptr<const Parameters> parameters,
                                                        const std::vector<RadialWeights>& weights,
                                                        const std::vector<RadialSpline>& splines) {
  using Splines = SplineRadial<float>;
  using Exact = ExactSplineRadial<float>;
  if (splines.empty()) return std::make_shared<NequipModel<float, Exact>>(std::move(parameters), Exact(weights));
  return std::make_shared<NequipModel<float, Splines>>(std::move(parameters), Splines(weights, splines));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::nequip {

HWY_EXPORT(make_model_in_float);

template <>
std::shared_ptr<const Model<float>> make_nequip_model<float>(std::shared_ptr<const Parameters> parameters) {
  const std::vector<RadialWeights> weights = radial_weights(*parameters);
  const std::vector<equivariant::RadialSpline> splines = fit_splines(*parameters);
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(std::move(parameters), weights, splines);
}

}  // namespace grapevine::nequip
#endif
