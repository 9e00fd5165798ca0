#include "models/mace/model.hpp"

#include <utility>

#include "models/equivariant/layout.hpp"

namespace grapevine::mace {

MacePotential::MacePotential(Parameters parameters)
    : parameters_(std::make_shared<const Parameters>(std::move(parameters))) {
  check(*parameters_);
}

int MacePotential::width(int t) const {
  const Interaction& interaction = parameters_->interactions[static_cast<std::size_t>(t)];
  return static_cast<int>(equivariant::Layout(interaction.edge_input()).size());
}

std::shared_ptr<const Model<double>> MacePotential::model_in_double() const {
  return make_mace_model<double>(parameters_);
}

std::shared_ptr<const Model<float>> MacePotential::model_in_mixed() const {
  return make_mace_model<float>(parameters_);
}

}  // namespace grapevine::mace
