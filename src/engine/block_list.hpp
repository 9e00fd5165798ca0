#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "engine/graph.hpp"

namespace grapevine {

/// Centres in groups of one species each, filled in the order in which they come, so that a group is full (but for the
/// last of each species) and its atoms are still near each other in space. Groups that follow each other in the list of
/// all centres, as nearly all do where there is one species, are not copied: that list has to stay as it is.
class BlockList {
 public:
  /// Forgets all blocks; later ones hold up to `size` of `centres`.
  void start(int size, std::span<const int> centres);
  /// Adds centres[place].
  void add(std::size_t place, int species);
  void finish();

  int blocks() const { return static_cast<int>(species_.size()); }
  int species(int block) const { return species_[block]; }
  std::span<const int> centres(int block) const;
  int centre_count() const { return centre_count_; }
  double bytes() const;

 private:
  void emit(int species);

  std::span<const int> all_;
  int size_ = 0;
  int centre_count_ = 0;
  std::vector<std::vector<std::size_t>> open_;  // [species] places
  std::vector<std::size_t> first_;              // [blocks] place in all_, or in apart_ behind all of them
  std::vector<int> counts_;                     // [blocks]
  std::vector<int> species_;                    // [blocks]
  std::vector<int> apart_;                      // centres of blocks that do not follow each other
};

/// Blocks of up to `size` centres: those that need nothing from other ranks, and those that wait for an exchange.
void sort_centres(const Graph& graph, int size, BlockList& inner, BlockList& boundary);

/// Calls function(part, block) for all blocks, in `parts` parts of blocks that follow each other, which may run side by
/// side. Can be interrupted (see Interruptible).
void run_blocks(const BlockList& blocks, int parts, const std::function<void(int, int)>& function);

}  // namespace grapevine
