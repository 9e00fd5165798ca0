#pragma once

#include <array>
#include <string>
#include <vector>

#include "formats/text/extxyz.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine::test {

enum class SelfConnection { none, linear, by_species };

/// Sizes and kinds of a random NequIP potential.
struct NequipSizes {
  std::vector<std::string> species = {"Ni", "O"};
  double cutoff = 4;  ///< Angstrom
  int edge_order = 2;
  bool odd_harmonics = false;
  bool normalised_harmonics = true;
  int basis = 5;
  nequip::CutoffKind cutoff_kind = nequip::CutoffKind::polynomial;
  int cutoff_power = 6;
  double cutoff_onset = 3;  ///< Angstrom
  /// Irreps of x_0, x_1, ... ; scalars before others.
  std::vector<std::string> features = {"6x0e", "5x0e+3x1e+2x2e", "9x0e+4x1e+3x2e", "7x0e"};
  std::vector<int> radial_widths = {7, 9};
  nequip::ActivationKind radial_activation = nequip::ActivationKind::silu;
  SelfConnection self_connection = SelfConnection::linear;
  bool biases = false;
  /// Products of a sort that no features have, which are left out unless this is set; they act on nothing.
  bool unused_paths = false;
  bool sorted_paths = true;  ///< by order and parity of the product, or as they come
  nequip::ActivationKind even_activation = nequip::ActivationKind::silu;
  nequip::ActivationKind odd_activation = nequip::ActivationKind::tanh;
  std::vector<int> readout_widths = {3};
  nequip::ActivationKind readout_activation = nequip::ActivationKind::identity;
};

/// Weights such that features and energies (eV) are of order one where an atom has some twenty neighbours. Passes
/// nequip::check.
nequip::Parameters random_parameters(const NequipSizes& sizes, unsigned seed);

/// Atoms of the given symbols in turn at random places in a cell (rows are vectors, Angstrom) periodic in all
/// directions, no two closer than 1.5 Angstrom, images included; some stand outside the cell. Throws Error where there
/// is no room.
Frame random_crystal(const std::vector<std::string>& symbols, int atoms, const std::array<double, 9>& cell,
                     unsigned seed);

}  // namespace grapevine::test
