#pragma once

#include <vector>

#include "models/equivariant/rows.hpp"
#include "models/nequip/parameters.hpp"

/// What follows from an atom's species alone, as rows laid out by Layout.
namespace grapevine::nequip {

/// y_0 = neighbour_scale mix_input( x_0 ), as [species][row].
template <class Real>
std::vector<Real> rows_of_species(const Parameters& parameters);

/// What enters gate or norm of an interaction, except messages and self connection without their bias; of the first
/// interaction, the whole self connection of x_0 is in it. A row for each species.
template <class Real>
std::vector<std::vector<Real>> bias_rows(const Parameters& parameters, std::size_t t);

/// Add to the gradient by the parameters, but not by neighbour_scale, what that by each of the above makes of it.
void add_gradient_of_rows_of_species(const Parameters& parameters, const equivariant::Row& d_rows,
                                     Parameters& gradient);
void add_gradient_of_bias_rows(const Parameters& parameters, std::size_t t, const std::vector<equivariant::Row>& d_rows,
                               Parameters& gradient);

}  // namespace grapevine::nequip
