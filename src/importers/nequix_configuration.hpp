#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/equivariant/irreps.hpp"
#include "models/equivariant/path.hpp"

namespace grapevine {

/// What the first line of a Nequix file says of the model.
struct NequixConfiguration {
  std::vector<std::string> species;  ///< in the order of the one-hot vector
  double cutoff = 0;                 ///< Angstrom
  int edge_order = 0;
  equivariant::IrrepsList written;  ///< features between two layers as the file has them, adjacent equal ones merged
  equivariant::IrrepsList hidden;   ///< the same as e3nn_jax sorts them
  int layers = 0;
  int basis = 0;
  int radial_width = 0;
  int radial_hidden_layers = 0;
  int cutoff_power = 0;
  bool indexed_skip = false;  ///< whether the skip depends on the species
  bool norm = false;
  double scale = 1;  ///< eV
  double shift = 0;  ///< eV
  double average_neighbours = 1;

  /// Features that enter layer t; those after the last are t = layers.
  equivariant::IrrepsList features(int t) const;
  /// Products of layer t in the order in which their weights are stored.
  std::vector<equivariant::Path> paths(int t) const;
};

/// Reads the JSON object as nequix.model.load_model does: keys that it does not look at are not part of the model.
/// Throws Error, starting with `where`, for a key that is missing or not supported.
NequixConfiguration read_nequix_configuration(std::string_view json, const std::string& where);

}  // namespace grapevine
