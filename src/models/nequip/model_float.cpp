#include "models/nequip/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/nequip/model_float.cpp"
#include <hwy/foreach_target.h>

#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

/// `splines` are none where the radial networks have to be evaluated.
std::shared_ptr<const Model<float>> make_model_in_float(const Parameters& parameters,
                                                        const std::vector<RadialSpline>& splines) {
  using Splines = SplineRadial<float>;
  using Exact = ExactSplineRadial<float>;
  if (splines.empty()) return std::make_shared<NequipModel<float, Exact>>(parameters, Exact(parameters));
  return std::make_shared<NequipModel<float, Splines>>(parameters, Splines(parameters, splines));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::nequip {
HWY_EXPORT(make_model_in_float);

template <>
std::shared_ptr<const Model<float>> make_nequip_model<float>(const Parameters& parameters) {
  // About the rounding of the largest weights. Activations with kinks are not met by splines: they end far above it.
  constexpr double tolerance = 1e-7;
  constexpr double bearable = 1e-6;
  std::vector<RadialSpline> splines;
  for (std::size_t t = 0; t < parameters.interactions.size(); ++t) {
    splines.push_back(RadialSpline::fit(parameters, static_cast<int>(t), tolerance));
    if (splines.back().error <= bearable) continue;
    splines.clear();
    break;
  }
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(parameters, splines);
}

}  // namespace grapevine::nequip
#endif
