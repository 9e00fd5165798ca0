#pragma once

#include <string>
#include <vector>

#include "equivariant_random.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine::test {

enum class SelfConnection { none, linear, by_species, by_embedding };

/// Sizes and kinds of a random NequIP potential.
struct NequipSizes {
  std::vector<std::string> species = {"Ni", "O"};
  double cutoff = 4;  ///< Angstrom
  int edge_order = 2;
  bool odd_harmonics = false;
  bool normalised_harmonics = true;
  int basis = 5;
  equivariant::CutoffKind cutoff_kind = equivariant::CutoffKind::polynomial;
  int cutoff_power = 6;
  double cutoff_onset = 3;  ///< Angstrom
  /// Irreps of x_0, x_1, ... ; scalars before others.
  std::vector<std::string> features = {"6x0e", "5x0e+3x1e+2x2e", "9x0e+4x1e+3x2e", "7x0e"};
  std::vector<int> radial_widths = {7, 9};
  equivariant::ActivationKind radial_activation = equivariant::ActivationKind::silu;
  SelfConnection self_connection = SelfConnection::linear;
  bool biases = false;
  /// Products of a sort that no features have, which are left out unless this is set; they act on nothing.
  bool unused_paths = false;
  bool sorted_paths = true;  ///< by order and parity of the product, or as they come
  equivariant::ActivationKind even_activation = equivariant::ActivationKind::silu;
  equivariant::ActivationKind odd_activation = equivariant::ActivationKind::tanh;
  std::vector<int> readout_widths = {3};
  equivariant::ActivationKind readout_activation = equivariant::ActivationKind::identity;
  bool pair_cutoffs = false;     ///< one for each ordered pair of species
  bool neighbour_scale = false;  ///< another for each species
  bool norm = false;
  bool zbl = false;
};

/// Weights such that features and energies (eV) are of order one where an atom has some twenty neighbours. Passes
/// nequip::check.
nequip::Parameters random_parameters(const NequipSizes& sizes, unsigned seed);

}  // namespace grapevine::test
