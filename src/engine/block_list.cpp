#include "engine/block_list.hpp"

#include "threads/interruption.hpp"
#include "threads/shares.hpp"

namespace grapevine {

void BlockList::start(int size, std::span<const int> centres) {
  all_ = centres;
  size_ = size;
  centre_count_ = 0;
  for (auto& places : open_) places.clear();
  first_.clear();
  counts_.clear();
  species_.clear();
  apart_.clear();
}

void BlockList::add(std::size_t place, int species) {
  if (species >= static_cast<int>(open_.size())) open_.resize(static_cast<std::size_t>(species) + 1);
  ++centre_count_;
  open_[species].push_back(place);
  if (static_cast<int>(open_[species].size()) == size_) emit(species);
}

void BlockList::finish() {
  for (std::size_t s = 0; s < open_.size(); ++s)
    if (!open_[s].empty()) emit(static_cast<int>(s));
}

std::span<const int> BlockList::centres(int block) const {
  const auto count = static_cast<std::size_t>(counts_[block]);
  const std::size_t first = first_[block];
  if (first < all_.size()) return all_.subspan(first, count);
  return std::span<const int>(apart_).subspan(first - all_.size(), count);
}

void BlockList::emit(int species) {
  std::vector<std::size_t>& places = open_[species];
  const bool follow = places.back() - places.front() + 1 == places.size();
  first_.push_back(follow ? places.front() : all_.size() + apart_.size());
  counts_.push_back(static_cast<int>(places.size()));
  species_.push_back(species);
  if (!follow)
    for (const std::size_t place : places) apart_.push_back(all_[place]);
  places.clear();
}

double BlockList::bytes() const {
  return static_cast<double>(sizeof(std::size_t) * first_.capacity() +
                             sizeof(int) * (counts_.capacity() + species_.capacity() + apart_.capacity()));
}

void sort_centres(const Graph& graph, int size, BlockList& inner, BlockList& boundary) {
  const std::span<const unsigned char> at_boundary = graph.at_boundary();
  const std::span<const int> species = graph.species();
  const std::span<const int> centres = graph.centres();
  for (BlockList* blocks : {&inner, &boundary}) blocks->start(size, centres);
  for (std::size_t n = 0; n < centres.size(); ++n) {
    const int i = centres[n];
    (at_boundary.empty() || !at_boundary[i] ? inner : boundary).add(n, species[i]);
  }
  for (BlockList* blocks : {&inner, &boundary}) blocks->finish();
}

void run_blocks(const BlockList& blocks, int parts, const std::function<void(int, int)>& function) {
  if (blocks.blocks() == 0) return;
  const auto count = static_cast<std::size_t>(blocks.blocks());
  run_shares(parts, [&](int part) {
    const auto end = static_cast<int>(part_begin(count, parts, part + 1));
    for (auto b = static_cast<int>(part_begin(count, parts, part)); b < end; ++b) {
      interruption_point();
      function(part, b);
    }
  });
}

}  // namespace grapevine
