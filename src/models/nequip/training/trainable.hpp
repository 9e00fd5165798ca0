#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "models/equivariant/training/trainable.hpp"
#include "models/nequip/parameters.hpp"
#include "models/trainable.hpp"

namespace grapevine::nequip {

/// Throws Error if the parameters do not fit together.
std::unique_ptr<Trainable> make_trainable(Parameters parameters, IsolatedEnergies isolated, bool in_double,
                                          bool trains_basis = false);

/// Energy of an atom without neighbours, eV, without the shift: what comes through self connections and biases.
double lone_atom_energy(const Parameters& parameters, std::size_t species);

/// The options that a potential of these sizes is trained by, as far as they can say it.
ModelOptions options_of(const Parameters& parameters);

/// E.g. "3 interactions, features 32x0e+32x1o, l_max = 2, 8 radial functions, radial network 32-32, readout 16".
std::string describe_sizes(const Parameters& parameters);

}  // namespace grapevine::nequip
