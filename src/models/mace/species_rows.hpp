#pragma once

#include <cstddef>

#include "models/equivariant/rows.hpp"
#include "models/mace/parameters.hpp"

/// What follows from an atom's species alone.
namespace grapevine::mace {

/// y_0
equivariant::Row first_features(const Parameters& parameters, std::size_t species);

/// What x' of interaction t has besides contractions and the self connection of x; of the first interaction, whose x
/// follows from the species, the self connection is in it.
equivariant::Row output_bias(const Parameters& parameters, std::size_t t, std::size_t species);

/// mix_by_species( mix_messages( m ) )
EquivariantLinear message_map(const Interaction& interaction, std::size_t species);

}  // namespace grapevine::mace
