#include "neighbours/cell_list.hpp"

#include <algorithm>
#include <cmath>

#include "neighbours/positions.hpp"

namespace grapevine {

namespace {

// Thinner slices and rows leave out more atoms that are too far, and cost more to look up.
constexpr std::array<double, 3> cells_in_reach{4, 1, 1};
constexpr double least_atoms_in_cell = 0.5;

double gap(double low, double high, double begin, double end) { return std::max({0.0, begin - high, low - end}); }

}  // namespace

void Bounds::include(const double* r) {
  for (std::size_t k = 0; k < 3; ++k) {
    low[k] = std::min(low[k], r[k]);
    high[k] = std::max(high[k], r[k]);
  }
}

bool Bounds::contains(const double* r) const {
  bool is_inside = true;
  for (std::size_t k = 0; k < 3; ++k) is_inside = is_inside && low[k] <= r[k] && r[k] <= high[k];
  return is_inside;
}

Bounds Bounds::widened(double by) const {
  Bounds wide = *this;
  for (std::size_t k = 0; k < 3; ++k) {
    wide.low[k] -= by;
    wide.high[k] += by;
  }
  return wide;
}

void CellList::sort(const double* positions, int atoms, double reach) {
  const auto at = [&](int i) { return positions + 3 * static_cast<std::ptrdiff_t>(i); };
  order_.resize(static_cast<std::size_t>(atoms));
  if (atoms == 0) return;
  check_positions(positions, atoms);
  Bounds bounds;
  for (int i = 0; i < atoms; ++i) bounds.include(at(i));
  choose_cells(bounds, atoms, reach);
  for (int i = 0; i < atoms; ++i) ++begin_[cell_of(at(i)) + 1];
  for (std::size_t c = 1; c < begin_.size(); ++c) begin_[c] += begin_[c - 1];
  // From here on, until all are placed, begin_[c] is where the next atom of cell c goes.
  for (int i = 0; i < atoms; ++i) order_[static_cast<std::size_t>(begin_[cell_of(at(i))]++)] = i;
  std::move_backward(begin_.begin(), begin_.end() - 1, begin_.end());
  begin_[0] = 0;
}

void CellList::choose_cells(const Bounds& bounds, int atoms, double reach) {
  origin_ = bounds.low;
  const double most = std::max(1.0, atoms / least_atoms_in_cell);
  const auto count = [&](std::size_t k) { return std::floor(bounds.extent(k) / sides_[k]) + 1; };
  for (std::size_t k = 0; k < 3; ++k) sides_[k] = reach / cells_in_reach[k];
  while (count(0) * count(1) * count(2) > most)
    for (double& side : sides_) side *= 1.25;
  for (std::size_t k = 0; k < 3; ++k) cells_[k] = static_cast<int>(count(k));
  begin_.assign(
      static_cast<std::size_t>(cells_[0]) * static_cast<std::size_t>(cells_[1]) * static_cast<std::size_t>(cells_[2]) +
          1,
      0);
}

int CellList::cell_along(std::size_t axis, double r) const {
  const double cell = std::floor((r - origin_[axis]) / sides_[axis]);
  return static_cast<int>(std::clamp(cell, 0.0, static_cast<double>(cells_[axis] - 1)));
}

std::size_t CellList::cell_at(int x, int y, int z) const {
  const auto row = static_cast<std::size_t>(y) + static_cast<std::size_t>(cells_[1]) * static_cast<std::size_t>(z);
  return static_cast<std::size_t>(x) + static_cast<std::size_t>(cells_[0]) * row;
}

std::size_t CellList::cell_of(const double* r) const {
  return cell_at(cell_along(0, r[0]), cell_along(1, r[1]), cell_along(2, r[2]));
}

void CellList::near(const Bounds& bounds, double reach, std::vector<Range>& ranges) const {
  ranges.clear();
  if (order_.empty()) return;
  const auto gap_to = [&](std::size_t axis, int cell) {
    const double begin = origin_[axis] + sides_[axis] * cell;
    return gap(bounds.low[axis], bounds.high[axis], begin, begin + sides_[axis]);
  };
  for (int z = cell_along(2, bounds.low[2] - reach); z <= cell_along(2, bounds.high[2] + reach); ++z) {
    const double left_of_z = reach * reach - gap_to(2, z) * gap_to(2, z);
    if (left_of_z < 0) continue;
    for (int y = cell_along(1, bounds.low[1] - reach); y <= cell_along(1, bounds.high[1] + reach); ++y) {
      const double left = left_of_z - gap_to(1, y) * gap_to(1, y);
      if (left < 0) continue;
      const double along = std::sqrt(left);
      const int first = begin_[cell_at(cell_along(0, bounds.low[0] - along), y, z)];
      const int last = begin_[cell_at(cell_along(0, bounds.high[0] + along), y, z) + 1];
      if (first < last) ranges.push_back({first, last});
    }
  }
}

}  // namespace grapevine
