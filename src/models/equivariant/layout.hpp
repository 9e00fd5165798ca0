#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "models/equivariant/irreps.hpp"

namespace grapevine::equivariant {

/// Channels are padded so that a row of them is whole cache lines in any precision.
constexpr int padded(int channels) { return (channels + 15) / 16 * 16; }

/// Where the irreps of a list stand in one atom's row: one after another, each as [components][padded channels].
class Layout {
 public:
  explicit Layout(IrrepsList irreps) : irreps_(std::move(irreps)) {
    for (const Irreps& of : irreps_) {
      offsets_.push_back(size_);
      size_ += static_cast<std::ptrdiff_t>(of.components()) * padded(of.channels);
    }
  }

  const IrrepsList& irreps() const { return irreps_; }
  int count() const { return static_cast<int>(irreps_.size()); }
  std::ptrdiff_t size() const { return size_; }
  std::ptrdiff_t offset(int i) const { return offsets_[static_cast<std::size_t>(i)]; }
  int channels(int i) const { return padded(irreps_[static_cast<std::size_t>(i)].channels); }
  std::ptrdiff_t size(int i) const {
    return static_cast<std::ptrdiff_t>(irreps_[static_cast<std::size_t>(i)].components()) * channels(i);
  }

 private:
  IrrepsList irreps_;
  std::vector<std::ptrdiff_t> offsets_;
  std::ptrdiff_t size_ = 0;
};

}  // namespace grapevine::equivariant
