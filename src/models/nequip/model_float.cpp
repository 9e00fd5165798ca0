#include "models/nequip/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/nequip/model_float.cpp"
#include <hwy/foreach_target.h>

#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

std::shared_ptr<const Model<float>> make_model_in_float(const Parameters& parameters,
                                                        const std::vector<RadialSpline>& splines) {
  using Radial = SplineRadial<float>;
  return std::make_shared<NequipModel<float, Radial>>(parameters, Radial(parameters, splines));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::nequip {
HWY_EXPORT(make_model_in_float);

template <>
std::shared_ptr<const Model<float>> make_nequip_model<float>(const Parameters& parameters) {
  // About the rounding of the largest weights.
  constexpr double tolerance = 1e-7;
  std::vector<RadialSpline> splines;
  for (std::size_t t = 0; t < parameters.interactions.size(); ++t)
    splines.push_back(RadialSpline::fit(parameters, static_cast<int>(t), tolerance));
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(parameters, splines);
}

}  // namespace grapevine::nequip
#endif
