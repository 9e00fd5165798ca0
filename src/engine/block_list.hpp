#pragma once

#include <span>
#include <vector>

namespace grapevine {

/// Centres in groups of one species each, filled in the order in which they come, so that a group is full (but for the
/// last of each species) and its atoms are still near each other in space.
class BlockList {
 public:
  /// Forgets all blocks; later ones hold up to `size` centres.
  void start(int size);
  void add(int centre, int species);
  void finish();

  int blocks() const { return static_cast<int>(species_.size()); }
  int species(int block) const { return species_[block]; }
  std::span<const int> centres(int block) const {
    return {&centres_[static_cast<std::size_t>(block) * size_], static_cast<std::size_t>(counts_[block])};
  }
  int centre_count() const { return centre_count_; }
  double bytes() const;

 private:
  void emit(int species);

  int size_ = 0;
  int centre_count_ = 0;
  std::vector<std::vector<int>> open_;  // [species]
  std::vector<int> centres_;            // [blocks][size]
  std::vector<int> counts_;             // [blocks]
  std::vector<int> species_;            // [blocks]
};

}  // namespace grapevine
