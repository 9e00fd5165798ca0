#pragma once

#include <string>
#include <vector>

#include "models/equivariant/activation.hpp"
#include "models/equivariant/irreps.hpp"

namespace grapevine::equivariant {

/// Scalars pass through an activation; other irreps are multiplied by a scalar each that has passed through another.
/// What enters: scalars, then one gate for every channel of `gated`, then `gated`.
struct Gate {
  IrrepsList scalars;                         ///< of order 0
  std::vector<Activation> scalar_activation;  ///< one for each of `scalars`
  IrrepsList gated;
  std::vector<Activation> gate_activation;  ///< one for each of `gated`
  int gate_parity = 1;                      ///< of the scalars that gate

  IrrepsList inputs() const;   ///< scalars, gates, gated; gates are as many irreps as `gated` has
  IrrepsList outputs() const;  ///< scalars, gated
};

/// Throws Error, starting with `name`, unless all of it makes sense.
void check_gate(const std::string& name, const Gate& gate);

}  // namespace grapevine::equivariant
