#pragma once

#include <vector>

#include "engine/model.hpp"
#include "formats/text/extxyz.hpp"

namespace grapevine::test {

/// The terms of HeatFluxTerms, in eV, Angstrom and the velocities' unit of time.
struct HeatFluxReference {
  std::vector<double> energies;  ///< [atoms] U_i
  std::vector<double> power;     ///< [atoms] dU_i/dt = sum_j dU_i/dr_j . v_j
  std::vector<double> flux;      ///< [atoms][3] sum_j (r_i - r_j) (dU_i/dr_j . v_j)
};

/// By the definition, for each atom in turn: every image that U_i depends on, layers + 1 cutoffs deep, becomes an atom
/// of its own in a cluster around i, whose dU_i/dr_j the plain passes give. In double precision. `velocities` is
/// [atoms][3].
HeatFluxReference heat_flux_by_unfolding(const Potential& potential, const Frame& frame,
                                         const std::vector<double>& velocities);

}  // namespace grapevine::test
