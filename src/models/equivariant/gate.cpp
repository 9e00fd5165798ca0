#include "models/equivariant/gate.hpp"

#include <cstdlib>

#include "support/error.hpp"

namespace grapevine::equivariant {

IrrepsList Gate::inputs() const {
  IrrepsList list = scalars;
  for (const Irreps& irreps : gated) list.push_back({irreps.channels, 0, gate_parity});
  list.insert(list.end(), gated.begin(), gated.end());
  return list;
}

IrrepsList Gate::outputs() const {
  IrrepsList list = scalars;
  list.insert(list.end(), gated.begin(), gated.end());
  return list;
}

void check_gate(const std::string& name, const Gate& gate) {
  check_irreps(name + ": features", gate.outputs());
  for (const Irreps& irreps : gate.scalars)
    if (irreps.order != 0) throw Error(name + ": the gate takes something for a scalar that is none");
  if (gate.scalar_activation.size() != gate.scalars.size() || gate.gate_activation.size() != gate.gated.size())
    throw Error(name + ": the gate has not one activation for each of its irreps");
  for (const auto* list : {&gate.scalar_activation, &gate.gate_activation})
    for (const Activation& activation : *list) check_activation(name, activation);
  if (std::abs(gate.gate_parity) != 1) throw Error(name + ": the parity of the gates makes no sense");
}

}  // namespace grapevine::equivariant
