#include "engine/block_list.hpp"

#include <cstddef>

namespace grapevine {

void BlockList::start(int size) {
  size_ = size;
  centre_count_ = 0;
  for (auto& centres : open_) centres.clear();
  centres_.clear();
  counts_.clear();
  species_.clear();
}

void BlockList::add(int centre, int species) {
  if (species >= static_cast<int>(open_.size())) open_.resize(static_cast<std::size_t>(species) + 1);
  ++centre_count_;
  open_[species].push_back(centre);
  if (static_cast<int>(open_[species].size()) == size_) emit(species);
}

void BlockList::finish() {
  for (std::size_t s = 0; s < open_.size(); ++s)
    if (!open_[s].empty()) emit(static_cast<int>(s));
}

void BlockList::emit(int species) {
  std::vector<int>& centres = open_[species];
  counts_.push_back(static_cast<int>(centres.size()));
  species_.push_back(species);
  centres.resize(size_);
  centres_.insert(centres_.end(), centres.begin(), centres.end());
  centres.clear();
}

double BlockList::bytes() const {
  return static_cast<double>(sizeof(int) * (centres_.capacity() + counts_.capacity() + species_.capacity()));
}

}  // namespace grapevine
