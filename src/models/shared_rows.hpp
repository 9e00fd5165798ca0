#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "simd/aligned_vector.hpp"
#include "threads/shares.hpp"
#include "threads/thread_count.hpp"

namespace grapevine {

/// Rows of all atoms for every layer, as one of several threads at work on the same graph sees them: features, each
/// written by whoever computes the atom, and their gradients, to which all add, each in an array of its own until
/// sum_gradients().
template <class Number>
class SharedRows {
 public:
  explicit SharedRows(int layers)
      : features_(static_cast<std::size_t>(layers) + 1),
        gradients_(features_.size()),
        own_features_(features_.size()),
        own_gradients_(features_.size()) {}

  /// Rows of `numbers` in all for layer t; gradients are zero.
  void start(int t, std::size_t numbers) {
    own_features_[t].resize(numbers);
    features_[t] = own_features_[t].data();
    clear_gradients(t, numbers);
  }

  /// The features of another, and gradients beside those of the other.
  void follow(int t, const SharedRows& leader) {
    features_[t] = leader.features_[t];
    clear_gradients(t, leader.own_gradients_[t].size());
  }

  Number* features(int t) const { return features_[t]; }
  Number* gradients(int t) const { return gradients_[t]; }

  /// The sum of all, which all then have; nobody may add to them any more.
  void sum_gradients(int t, std::span<SharedRows* const> followers) {
    if (followers.empty()) return;
    constexpr double least_per_thread = 8192;
    const std::size_t numbers = own_gradients_[t].size();
    const int threads =
        threads_for(static_cast<double>(numbers), least_per_thread, static_cast<int>(followers.size()) + 1);
    run_ranges(threads, numbers, [&](std::size_t begin, std::size_t end) {
      for (const SharedRows* other : followers)
        for (std::size_t n = begin; n < end; ++n) own_gradients_[t][n] += other->own_gradients_[t][n];
    });
    for (SharedRows* other : followers) other->gradients_[t] = gradients_[t];
  }

 private:
  void clear_gradients(int t, std::size_t numbers) {
    own_gradients_[t].assign(numbers, Number());
    gradients_[t] = own_gradients_[t].data();
  }

  std::vector<Number*> features_, gradients_;                              // [T + 1], null for layer 0
  std::vector<simd::AlignedVector<Number>> own_features_, own_gradients_;  // the same
};

}  // namespace grapevine
