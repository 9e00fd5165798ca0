#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace grapevine {

/// A box along the axes, Angstrom; at first without any point.
struct Bounds {
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  std::array<double, 3> low{infinity, infinity, infinity};
  std::array<double, 3> high{-infinity, -infinity, -infinity};

  void include(const double* r);
  bool contains(const double* r) const;
  Bounds widened(double by) const;
  double extent(std::size_t axis) const { return high[axis] - low[axis]; }
};

/// Atoms sorted by the cells they are in, thin slices of rows along x, so that those near a place are a few ranges of
/// their order, and atoms that follow each other are near each other.
class CellList {
 public:
  /// Places `index` = first .. last - 1 of order().
  struct Range {
    int first, last;
  };

  /// Sorts atoms at `positions` [atoms][3] in Angstrom, all finite. Atoms are to be looked for at distances of about
  /// `reach`. Throws AtomError for a position that is not finite.
  void sort(const double* positions, int atoms, double reach);

  /// [atoms] indices of atoms, those of a cell one after another, cells of a row along x likewise.
  std::span<const int> order() const { return order_; }

  /// Ranges with all atoms that were within `reach` of any point of `bounds` when they were sorted, and some others.
  void near(const Bounds& bounds, double reach, std::vector<Range>& ranges) const;

  /// Lengths of a cell, Angstrom.
  const std::array<double, 3>& sides() const { return sides_; }

  double bytes() const { return static_cast<double>((order_.capacity() + begin_.capacity()) * sizeof(int)); }

 private:
  void choose_cells(const Bounds& bounds, int atoms, double reach);
  int cell_along(std::size_t axis, double r) const;
  std::size_t cell_at(int x, int y, int z) const;
  std::size_t cell_of(const double* r) const;

  std::array<double, 3> origin_{};
  std::array<int, 3> cells_{1, 1, 1};
  std::array<double, 3> sides_{1, 1, 1};
  std::vector<int> begin_;  // [cells + 1] in order_
  std::vector<int> order_;
};

}  // namespace grapevine
