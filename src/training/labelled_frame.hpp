#pragma once

#include <string>

#include "formats/text/extxyz.hpp"
#include "structures/reference_values.hpp"

namespace grapevine {

/// A structure with what is known of it.
struct LabelledFrame {
  Frame frame;  ///< without columns and info: only species, positions, cell and periodicity
  ReferenceValues reference;
  std::string place;  ///< "file:line: frame n", for messages
};

}  // namespace grapevine
