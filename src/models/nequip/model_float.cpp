#include "models/nequip/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/nequip/model_float.cpp"
#include <hwy/foreach_target.h>

#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

std::shared_ptr<const Model<float>> make_model_in_float(std::shared_ptr<const Parameters> parameters) {
  using Splines = SplineRadial<float>;
  using Exact = ExactSplineRadial<float>;
  equivariant::RadialSplines splines({radial_weights(*parameters), {}}, parameters->count());
  if (!splines.bearable())
    return std::make_shared<NequipModel<float, Exact>>(std::move(parameters), Exact(splines.family()));
  return std::make_shared<NequipModel<float, Splines>>(std::move(parameters), Splines(std::move(splines)));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::nequip {

HWY_EXPORT(make_model_in_float);

template <>
std::shared_ptr<const Model<float>> make_nequip_model<float>(std::shared_ptr<const Parameters> parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(std::move(parameters));
}

}  // namespace grapevine::nequip
#endif
