#pragma once

#include <vector>

#include "models/equivariant/radial_splines.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine::mace {

/// Pairs of species whose edges have the same radial functions.
struct EdgeKinds {
  equivariant::RadialFamily family;
  std::vector<int> kind;  ///< [species of centre][species of neighbour] in the family, or empty: one kind for all

  explicit EdgeKinds(const Parameters& parameters);
};

}  // namespace grapevine::mace
