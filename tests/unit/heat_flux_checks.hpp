#pragma once

#include <vector>

#include "engine/model.hpp"
#include "formats/text/extxyz.hpp"
#include "heat_flux_reference.hpp"
#include "structures/evaluate_frame.hpp"

/// What every model's pass with tangents has to hold.
namespace grapevine::test {

/// The same numbers from the engine.
HeatFluxReference heat_flux(const Potential& potential, const Frame& frame, const std::vector<double>& velocities,
                            Precision precision = Precision::double_precision, int threads = 1);

/// [atoms][3] of order one.
std::vector<double> random_velocities(const Frame& frame, unsigned seed);

/// In double precision to rounding, in mixed nearly.
void expect_heat_flux_by_unfolding(const Potential& potential, const Frame& frame);
/// Energies are those of an evaluation, and their rates add up to the power of the forces.
void expect_power_of_forces(const Potential& potential, const Frame& frame);
/// Rates of single atoms' energies are central differences of energies.
void expect_power_by_differences(const Potential& potential, const Frame& frame);
/// Fluxes turn with the structure, and do not depend on where it is, what the order of atoms is and whether all move.
void expect_heat_flux_invariant(const Potential& potential, const Frame& frame);
void expect_same_heat_flux_on_threads(const Potential& potential, const Frame& large);
void expect_same_heat_flux_in_all_instruction_sets(const Potential& potential, const Frame& frame);

}  // namespace grapevine::test
