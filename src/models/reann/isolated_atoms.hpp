#pragma once

#include <optional>
#include <vector>

#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// Energy of an atom without neighbours, eV: the readout network at rho = 0, and the shift.
double isolated_atom_energy(const Parameters& parameters, int species);

/// Energies of isolated atoms that a potential has whatever its weights are.
///
/// What a network makes of rho = 0 is far from anything that it is trained on, and changes with every step. The last of
/// the numbers that run through each readout network is therefore set aside (its _switch_): residual blocks leave it as
/// it is, and its activation is added to the energy times an amplitude that follows from the other weights. With
/// q = sum_m weight_m rho_m <= 0 its input is on + q: positive for the atom alone, and so far below zero for atoms with
/// neighbours that nothing is left of it.
struct IsolatedAtoms {
  std::vector<std::optional<double>> energy;      ///< [S] eV; without a value that of the species is left free
  std::vector<std::vector<double>> input_weight;  ///< [S][M] of the switch: zero or negative

  static constexpr double on = 10;  ///< input of the switch at rho = 0
};

/// Where the switch of a network of this activation is off: the value of q from which on it counts as nothing.
double switched_off(ActivationKind kind);

/// Sets all numbers of the switches, and their amplitudes so that isolated atoms have their energies exactly.
void hold(Parameters& parameters, const IsolatedAtoms& atoms);

/// Takes switches out of a potential that hold() was called for, leaving zeros in their place.
void release(Parameters& parameters);

/// Isolated atoms that the potential was made to hold, at the energies that it gives them; nothing if it has no
/// switches.
std::optional<IsolatedAtoms> held_atoms(const Parameters& parameters);

/// From a gradient by the weights to the slopes of a loss by the energies of isolated atoms with amplitudes that do not
/// follow. Adding their gradient completes that of a potential whose amplitudes do; see clear_switches().
std::vector<double> slopes_by_isolated_atoms(const Parameters& gradient, const IsolatedAtoms& atoms);

/// Numbers of switches are not trained.
void clear_switches(Parameters& gradient);

}  // namespace grapevine::reann
