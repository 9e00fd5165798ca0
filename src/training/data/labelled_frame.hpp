#pragma once

#include <string>

#include "formats/text/extxyz.hpp"
#include "structures/reference_values.hpp"
#include "training/data/structure_weights.hpp"

namespace grapevine {

/// A structure with what is known of it.
struct LabelledFrame {
  Frame frame;  ///< without columns and info: only species, positions, cell and periodicity
  ReferenceValues reference;
  std::string place;              ///< "file:line: frame n", for messages
  std::string config_type = {};   ///< as the header says; may be empty
  StructureWeights weights = {};  ///< those of the header
  double type_weight = 1;         ///< that the options give structures of its config_type

  StructureWeights weights_in_loss() const { return weights.scaled(type_weight); }
};

}  // namespace grapevine
