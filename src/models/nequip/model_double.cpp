#include "models/nequip/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/nequip/model_double.cpp"
#include <hwy/foreach_target.h>

#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

std::shared_ptr<const Model<double>> make_model_in_double(std::shared_ptr<const Parameters> parameters) {
  using Radial = ExactRadial<double>;
  Radial radial({radial_weights(*parameters), {}});
  return std::make_shared<NequipModel<double, Radial>>(std::move(parameters), std::move(radial));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::nequip {
HWY_EXPORT(make_model_in_double);

template <>
std::shared_ptr<const Model<double>> make_nequip_model<double>(std::shared_ptr<const Parameters> parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_double)(std::move(parameters));
}

}  // namespace grapevine::nequip
#endif
