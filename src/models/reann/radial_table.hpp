#pragma once

#include <functional>
#include <optional>

#include "simd/aligned_vector.hpp"

namespace grapevine::reann {

/// Functions of a distance in [0, end) as polynomials of fifth degree, interval by interval: in interval n the value is
/// sum_i coefficient[i] f^i with f = r * per_angstrom - n - 1/2. Intervals are halved until the polynomials, rounded to
/// float, are as good as float arithmetic on the functions themselves.
struct RadialTable {
  static constexpr int terms = 6;

  int intervals = 0;
  float per_angstrom = 0;
  int stride = 0;                          ///< functions of a species, padded by zeros
  simd::AlignedVector<float> coefficient;  ///< [species][intervals + 1][terms][stride], highest power first; the last
                                           ///< interval is zero, for distances that rounding moves to the end

  /// `value(species, k, r)` for k < count. Nothing if the functions vary too fast, or are too many, for a table.
  static std::optional<RadialTable> make(int species, int count, int stride, double end,
                                         const std::function<double(int, int, double)>& value);
};

}  // namespace grapevine::reann
