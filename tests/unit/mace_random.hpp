#pragma once

#include <string>
#include <vector>

#include "equivariant_random.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine::test {

/// Sizes and kinds of a random MACE potential.
struct MaceSizes {
  std::vector<std::string> species = {"Ni", "O"};
  double cutoff = 4;  ///< Angstrom
  int edge_order = 3;
  int message_order = 3;
  int degree = 3;  ///< nu
  int channels = 5;
  int embedding_channels = 0;        ///< of x_0; 0: `channels`
  int edge_channels = 0;             ///< of what the paths take; 0: as many as enter
  std::vector<int> orders = {1, 0};  ///< [interactions] highest L of x'
  int basis = 5;
  equivariant::BasisKind basis_kind = equivariant::BasisKind::bessel;
  equivariant::TransformKind transform = equivariant::TransformKind::none;
  int cutoff_power = 5;
  std::vector<int> radial_widths = {7, 9};
  bool density = false;
  bool mix_by_species = true;
  bool self_connection = true;
  bool early_readouts = true;
  std::vector<int> readout_widths = {6};
  bool biases = false;  ///< of the last readout
  bool zbl = false;
};

/// Weights such that features and energies (eV) are of order one where an atom has some twenty neighbours. Passes
/// mace::check.
mace::Parameters random_parameters(const MaceSizes& sizes, unsigned seed);

}  // namespace grapevine::test
