#include "models/nequip/model.hpp"

#include <utility>

#include "models/equivariant/layout.hpp"

namespace grapevine::nequip {

NequipPotential::NequipPotential(Parameters parameters)
    : parameters_(std::make_shared<const Parameters>(std::move(parameters))) {
  check(*parameters_);
}

int NequipPotential::width(int t) const {
  return static_cast<int>(equivariant::Layout(parameters_->interactions[static_cast<std::size_t>(t)].input).size());
}

std::shared_ptr<const Model<double>> NequipPotential::model_in_double() const {
  return make_nequip_model<double>(parameters_);
}

std::shared_ptr<const Model<float>> NequipPotential::model_in_mixed() const {
  return make_nequip_model<float>(parameters_);
}

}  // namespace grapevine::nequip
