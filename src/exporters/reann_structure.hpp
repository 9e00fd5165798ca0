#pragma once

#include <string>
#include <vector>

#include "models/reann/parameters.hpp"

namespace grapevine {

/// The structure of a network in the words of REANN's input files.
struct ReannStructure {
  std::vector<int> widths;  ///< nl: of the first linear map and of all but the last of a residual block
  int blocks = 0;           ///< nblock
  reann::ActivationKind activation = reann::ActivationKind::relu_like;
  bool layer_norm = true;  ///< table_norm; without meaning where there are no blocks

  bool operator==(const ReannStructure&) const = default;
};

/// The one structure of the readout networks.
ReannStructure reann_readout_structure(const reann::Parameters& parameters);

/// The one structure of the message networks of all layers; that of the readout where there are none.
ReannStructure reann_message_structure(const reann::Parameters& parameters);

// Both throw Error if REANN's input files cannot say the structure: networks that differ between species or layers,
// residual blocks that differ within a network, more than one activation, layer normalisation in some steps only.

}  // namespace grapevine
