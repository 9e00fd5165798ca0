#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "models/equivariant/activation.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/radial_basis.hpp"
#include "models/random_numbers.hpp"

/// Parts of new models, without numbers, and of models that get more elements.
namespace grapevine::equivariant {

/// Scaled as e3nn scales it. Only of identity, silu and tanh.
Activation normalised_activation(ActivationKind kind);

/// Bessel functions of the roots n pi / cutoff, n = 1 ... functions.
RadialBasis bessel_basis(double cutoff, int functions, double prefactor, int cutoff_power);

/// With a part for every pair of irreps that transform alike.
EquivariantLinear new_linear(const IrrepsList& inputs, const IrrepsList& outputs);
std::vector<EquivariantLinear> new_linears(std::size_t count, const IrrepsList& inputs, const IrrepsList& outputs);

std::vector<Dense> new_layers(int inputs, std::vector<int> widths, int outputs);
/// Of a network, without those of what leaves it.
std::vector<int> hidden_widths(const std::vector<Dense>& layers);

/// Fills an array of for_each_array() with normal numbers of its unit's size, or zeros if it is a bias.
template <class Array>
void fill(const Array& array, RandomNumbers& random) {
  const bool is_bias = array.name.ends_with(".bias");
  for (std::size_t i = 0; i < array.count(); ++i) array.data[i] = is_bias ? 0 : array.unit * random.normal();
}

/// Neighbours of an atom of the graph on average; 1 if there are none at all.
double mean_neighbours(const Graph& graph);

/// Appends a row of `width` normal numbers as large as those that are there.
void append_random_row(std::vector<double>& rows, std::size_t width, RandomNumbers& random);
/// Appends the mean of the `count` rows that are there.
void append_mean_row(std::vector<double>& rows, std::size_t count);
/// The mean of maps that have the same inputs and outputs.
EquivariantLinear mean_of(const std::vector<EquivariantLinear>& maps);

}  // namespace grapevine::equivariant
