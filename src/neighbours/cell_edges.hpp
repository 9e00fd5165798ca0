#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "engine/graph.hpp"
#include "neighbours/atom_rows.hpp"
#include "neighbours/cell_list.hpp"
#include "neighbours/strip_near.hpp"

namespace grapevine {

/// Finds edges without lists of neighbours: atoms stay sorted by cells while they move less than half a skin.
///
/// Edges are those that EdgeStripper makes from a list of all atoms within cutoff and skin, to the bit, in another
/// order: in float, differences of positions are taken on the same grid.
template <class Real>
class CellEdges {
 public:
  /// On the grid in float, Angstrom in double.
  using Coordinate = std::conditional_t<std::is_same_v<Real, float>, std::int32_t, double>;

  /// Sorts atoms at `positions` [atoms][3]; edges up to `cutoff` long are to be found until some have moved by half of
  /// `skin`. Throws AtomError for a position that is not finite.
  void sort(const double* positions, int atoms, double cutoff, double skin);

  /// Takes up where the atoms that were sorted are now, and their rows as edges are to name them. Throws AtomError for
  /// a position that is not finite.
  void update(const double* positions, const AtomRows& rows);

  /// Another cutoff, no longer than that of sort().
  void set_cutoff(double cutoff) { cutoff_ = cutoff; }

  /// Atoms in an order in which those near each other in space are near each other.
  std::span<const int> order() const { return cells_.order(); }

  /// Appends the edges of `centres`, which are best near each other. Throws AtomError for two atoms less than 0.01
  /// Angstrom apart.
  void append(std::span<const int> centres, EdgeBlock<Real>& block) const;

  /// Calls visit(centre, neighbours) for each of `centres`, with all atoms that are within cutoff and skin where
  /// update() found them, if that was where they were sorted.
  void visit_lists(std::span<const int> centres, const std::function<void(int, std::span<const int>)>& visit) const;

  double bytes() const {
    return cells_.bytes() + static_cast<double>((x_.capacity() + y_.capacity() + z_.capacity()) * sizeof(Coordinate));
  }

 private:
  class Candidates;

  Bounds bounds_of(std::span<const int> atoms) const;
  bool is_wide(const Bounds& bounds) const;
  Candidates candidates(const Bounds& bounds, double reach) const;
  /// Calls work(group, candidates) for groups of centres that are near each other.
  template <class Work>
  void for_each_group(std::span<const int> centres, double reach, const Work& work) const;
  std::array<Coordinate, 3> far_from(const Bounds& bounds) const;
  int strip(const Candidates& all, int centre, double cutoff) const;
  void fail_too_close(int centre, const NearEdges<Real>& edges, int count) const;

  CellList cells_;
  const double* positions_ = nullptr;
  AtomRows rows_;
  std::vector<Coordinate> x_, y_, z_;  // in order of the cells
  double cutoff_ = 0;
  double longest_ = 0;  // cutoff of sort()
  double skin_ = 0;
  double spacing_ = 1;                                     // of the grid, Angstrom
  double widest_ = 0;                                      // extent of centres that are looked at together
  double wrap_ = std::numeric_limits<double>::infinity();  // differences on the grid that may look like short ones
};

extern template class CellEdges<float>;
extern template class CellEdges<double>;

}  // namespace grapevine
