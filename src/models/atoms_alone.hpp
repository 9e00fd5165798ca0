#pragma once

#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "engine/graph.hpp"

namespace grapevine {

/// An atom of each species, without neighbours.
class AtomsAlone final : public Graph {
 public:
  explicit AtomsAlone(int species) : species_(static_cast<std::size_t>(species)) {
    std::iota(species_.begin(), species_.end(), 0);
  }

  int own() const override { return static_cast<int>(species_.size()); }
  int ghosts() const override { return 0; }
  std::span<const int> centres() const override { return species_; }
  std::span<const int> species() const override { return species_; }
  std::span<const unsigned char> at_boundary() const override { return {}; }
  void edges(std::span<const int> centres, EdgeBlock<float>& block) const override { close(centres, block); }
  void edges(std::span<const int> centres, EdgeBlock<double>& block) const override { close(centres, block); }

 private:
  template <class Real>
  static void close(std::span<const int> centres, EdgeBlock<Real>& block) {
    block.clear();
    for (const int i : centres) block.close(i, 0);
  }

  std::vector<int> species_;  // which are the atoms' indices too
};

}  // namespace grapevine
