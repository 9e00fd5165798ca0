#pragma once

#include <cstddef>
#include <span>

namespace grapevine {

/// Whether no number is infinite or not a number. Cheap beside anything that computed the numbers: a product with zero
/// is zero for finite ones only, and eight sums side by side wait for nothing.
inline bool all_finite(std::span<const double> numbers) {
  constexpr std::size_t width = 8;
  double sums[width] = {};
  const std::size_t whole = numbers.size() - numbers.size() % width;
  for (std::size_t n = 0; n < whole; n += width)
    for (std::size_t k = 0; k < width; ++k) sums[k] += 0.0 * numbers[n + k];
  for (std::size_t n = whole; n < numbers.size(); ++n) sums[0] += 0.0 * numbers[n];
  double sum = 0.0;
  for (const double s : sums) sum += s;
  return sum == 0.0;
}

}  // namespace grapevine
