#pragma once

#include <cstddef>

#include "models/equivariant/rows.hpp"
#include "models/mace/parameters.hpp"

/// What follows from an atom's species alone.
namespace grapevine::mace {

/// y_0
equivariant::Row first_features(const Parameters& parameters, std::size_t species);

/// The self connection of x_0, zeros if there is none.
equivariant::Row first_connection(const Parameters& parameters, std::size_t species);

/// mix_by_species( mix_messages( m ) )
EquivariantLinear message_map(const Interaction& interaction, std::size_t species);

/// Add to the gradient by the parameters, or those of an interaction, what that by each of the above makes of it.
void add_gradient_of_first_features(const Parameters& parameters, std::size_t species, const equivariant::Row& dy,
                                    Parameters& gradient);
void add_gradient_of_first_connection(const Parameters& parameters, std::size_t species, const equivariant::Row& dy,
                                      Parameters& gradient);
void add_gradient_of_message_map(const Interaction& interaction, std::size_t species, const EquivariantLinear& d_map,
                                 Interaction& gradient);

}  // namespace grapevine::mace
