#include "models/nequip/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/nequip/model_double.cpp"
#include <hwy/foreach_target.h>

#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

std::shared_ptr<const Model<double>> make_model_in_double(const Parameters& parameters) {
  using Radial = ExactRadial<double>;
  return std::make_shared<NequipModel<double, Radial>>(parameters, Radial(parameters));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::nequip {
HWY_EXPORT(make_model_in_double);

template <>
std::shared_ptr<const Model<double>> make_nequip_model<double>(const Parameters& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_double)(parameters);
}

}  // namespace grapevine::nequip
#endif
