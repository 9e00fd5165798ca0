#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace grapevine {

/// Closer than this (Angstrom) no potential of this kind was ever trained, and the direction of an edge loses its
/// digits.
constexpr double smallest_distance = 0.01;

/// Spacing of the grid that positions are rounded to in float, Angstrom: differences up to half the range of a 32-bit
/// integer must be those of neighbours, which are no further apart than `reach`.
inline double grid_spacing(double reach) {
  double spacing = std::ldexp(1.0, -26);
  while (reach + 2 > spacing * std::ldexp(1.0, 31)) spacing *= 2;
  return spacing;
}

/// x / spacing rounded to an integer, its last 32 bits: adding 1.5 * 2^52 leaves them at the end of the mantissa.
inline std::int32_t on_grid(double x, double inverse_spacing) {
  return static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(x * inverse_spacing + 6755399441055744.0));
}

}  // namespace grapevine
