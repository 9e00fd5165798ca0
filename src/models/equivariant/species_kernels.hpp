#pragma once

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "models/equivariant/lazy.hpp"

namespace grapevine::equivariant {

/// A kernel for each species, made when a block of its species first asks for it: of a model for 89 elements a system
/// has a few.
template <class Kernel>
class SpeciesKernels {
 public:
  /// `count` is the number of species, or 1 where they share one kernel.
  SpeciesKernels(std::size_t count, std::function<Kernel(std::size_t species)> make)
      : make_(std::move(make)), kernels_(count) {}

  /// Any thread may ask.
  const Kernel& of(int species) const {
    const std::size_t n = kernels_.size() == 1 ? 0 : static_cast<std::size_t>(species);
    return kernels_[n].get([&] { return make_(n); });
  }

 private:
  std::function<Kernel(std::size_t)> make_;
  mutable std::vector<Lazy<Kernel>> kernels_;
};

}  // namespace grapevine::equivariant
