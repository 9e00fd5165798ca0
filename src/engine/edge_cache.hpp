#pragma once

#include <cstddef>
#include <vector>

#include "engine/block_list.hpp"
#include "engine/graph.hpp"

namespace grapevine {

/// Edges of blocks from one pass to the next, as many as fit into a fixed number of bytes, so that small systems need
/// not strip their lists in every pass and large ones need no memory in proportion to their edges.
template <class Real>
class EdgeCache {
 public:
  /// Forgets all edges; later blocks are 0 .. blocks - 1.
  void start(int blocks) {
    slot_of_.assign(static_cast<std::size_t>(blocks), -1);
    used_ = 0;
    counted_ = 0;
    bytes_ = 0;
  }

  /// The edges of a block, kept if there is room, otherwise in `scratch` until that is used again.
  const EdgeBlock<Real>& edges(const Graph& graph, const BlockList& blocks, int block, EdgeBlock<Real>& scratch) {
    if (slot_of_[block] >= 0) return slots_[slot_of_[block]];
    EdgeBlock<Real>& edges = place(block, scratch);
    edges.species = blocks.species(block);
    graph.edges(blocks.centres(block), edges);
    return edges;
  }

  double bytes() const { return bytes_ + static_cast<double>(slot_of_.capacity() * sizeof(int)); }

 private:
  // Of each list of blocks: about what a core has of the last cache.
  static constexpr double most_bytes = 16e6;

  EdgeBlock<Real>& place(int block, EdgeBlock<Real>& scratch) {
    count_last();
    if (bytes_ >= most_bytes) return scratch;
    if (used_ == slots_.size()) slots_.emplace_back();
    slot_of_[block] = static_cast<int>(used_);
    return slots_[used_++];
  }

  void count_last() {
    for (; counted_ < used_; ++counted_) bytes_ += slots_[counted_].bytes();
  }

  double bytes_ = 0;
  std::size_t used_ = 0;
  std::size_t counted_ = 0;             // slots whose size is in bytes_
  std::vector<EdgeBlock<Real>> slots_;  // grown, never shrunk: no allocation from step to step
  std::vector<int> slot_of_;            // [blocks]
};

}  // namespace grapevine
