#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

std::shared_ptr<const Model<double>> make_model_in_double(const std::shared_ptr<const Parameters>& parameters) {
  using Radial = ExactRadial<double>;
  Radial radial({radial_weights(*parameters), {}});
  return std::make_shared<NequipModel<double, Radial>>(parameters, std::move(radial));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
