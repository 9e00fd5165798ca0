#pragma once

#include <vector>

#include "models/nequip/parameters.hpp"

/// What follows from an atom's species alone, as rows laid out by Layout.
namespace grapevine::nequip {

/// What `linear` gives for nothing: its biases.
template <class Real>
std::vector<Real> bias_row(const EquivariantLinear& linear);

/// y_0 = mix_input( x_0 ), as [species][row].
template <class Real>
std::vector<Real> rows_of_species(const Parameters& parameters);

/// What enters the gate of an interaction besides mixed messages and features: biases, as one row or one for each
/// species.
template <class Real>
std::vector<std::vector<Real>> bias_rows(const Interaction& interaction);

/// The same for the first interaction with the self connection of x_0, a row for each species.
template <class Real>
std::vector<std::vector<Real>> first_bias_rows(const Parameters& parameters);

}  // namespace grapevine::nequip
