#pragma once

#include <cstddef>

#include "structures/reference_values.hpp"
#include "training/data/structure_weights.hpp"

namespace grapevine {

/// How many references of each kind there are, without those of weight zero.
struct ReferenceCounts {
  std::size_t energies = 0;
  std::size_t force_components = 0;
  std::size_t virials = 0;  ///< structures

  void add(const ReferenceValues& reference, const StructureWeights& weights = {});

  /// Whether there is anything that a loss of these weights has a weight for.
  bool weighed_by(double energy, double forces, double virial) const;
};

}  // namespace grapevine
