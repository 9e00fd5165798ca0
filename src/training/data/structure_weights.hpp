#pragma once

#include "formats/text/extxyz.hpp"

namespace grapevine {

/// How much a structure counts in a loss: factors of its terms, one for each kind of reference.
struct StructureWeights {
  double energy = 1, forces = 1, virial = 1;

  StructureWeights scaled(double factor) const { return {factor * energy, factor * forces, factor * virial}; }
  bool operator==(const StructureWeights&) const = default;
};

/// Weights that a frame's header gives, 1 where it gives none: `weight` or `config_weight`, times `energy_weight`,
/// `forces_weight` and `virial_weight`, or `config_energy_weight`, `config_forces_weight` and `config_virials_weight`
/// or `config_stress_weight`, as files for MACE have them; capitals do not matter. Throws Error for a weight under two
/// names, and for one that is not a number from 0 to 1e9.
StructureWeights find_structure_weights(const Frame& frame);

}  // namespace grapevine
