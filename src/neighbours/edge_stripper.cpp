#include "neighbours/edge_stripper.hpp"

#include <cmath>

#include "neighbours/grid.hpp"
#include "neighbours/positions.hpp"
#include "neighbours/strip.hpp"

namespace grapevine {

void EdgeStripper<float>::update(const double* positions, int atoms, const AtomRows& rows, double cutoff,
                                 double reach) {
  const double spacing = grid_spacing(reach);
  const double inverse = 1 / spacing;
  set_cutoff(cutoff);
  spacing_ = static_cast<float>(spacing);
  points_.resize(static_cast<std::size_t>(atoms));
  double check = 0;
  for (int i = 0; i < atoms; ++i) {
    const double* r = positions + 3 * static_cast<std::ptrdiff_t>(i);
    check += 0 * (r[0] + r[1] + r[2]);
    points_[i] = {on_grid(r[0], inverse), on_grid(r[1], inverse), on_grid(r[2], inverse), rows(i)};
  }
  if (check != 0) check_positions(positions, atoms);
}

void EdgeStripper<float>::append(int centre, const int* list, int count, int mask, EdgeBlock<float>& block) const {
  block.reserve(count);
  const int start = block.edges();
  float nearest = cutoff_squared_;
  const int edges = strip({points_.data(), centre, list, count, mask, spacing_, cutoff_squared_}, &block.x[start],
                          &block.y[start], &block.z[start], &block.neighbour[start], nearest);
  block.close(centre, edges);
  if (nearest >= static_cast<float>(smallest_distance * smallest_distance)) return;
  for (int n = 0; n < count; ++n) {
    const Point& a = points_[centre];
    const Point& b = points_[list[n] & mask];
    const double d = spacing_ * std::hypot(static_cast<double>(a.x) - b.x, static_cast<double>(a.y) - b.y,
                                           static_cast<double>(a.z) - b.z);
    if (d < smallest_distance) throw AtomError(centre, list[n] & mask, d);
  }
}

void EdgeStripper<double>::update(const double* positions, int atoms, const AtomRows& rows, double cutoff,
                                  double /*reach*/) {
  positions_ = positions;
  rows_ = rows;
  set_cutoff(cutoff);
  check_positions(positions, atoms);
}

void EdgeStripper<double>::append(int centre, const int* list, int count, int mask, EdgeBlock<double>& block) const {
  block.reserve(count);
  const double* a = positions_ + 3 * static_cast<std::ptrdiff_t>(centre);
  int e = block.edges();
  for (int n = 0; n < count; ++n) {
    const int j = list[n] & mask;
    const double* b = positions_ + 3 * static_cast<std::ptrdiff_t>(j);
    const double x = a[0] - b[0];
    const double y = a[1] - b[1];
    const double z = a[2] - b[2];
    const double square = x * x + y * y + z * z;
    if (square >= cutoff_squared_ || rows_(j) < 0) continue;
    if (!(square >= smallest_distance * smallest_distance)) throw AtomError(centre, j, std::sqrt(square));
    block.neighbour[e] = rows_(j);
    block.x[e] = x;
    block.y[e] = y;
    block.z[e] = z;
    ++e;
  }
  block.close(centre, e - block.edges());
}

}  // namespace grapevine
