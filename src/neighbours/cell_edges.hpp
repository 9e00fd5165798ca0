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
/// order: in float, differences of positions are taken on the same grid. Own atoms, which are the centres, and ghosts
/// have cells of their own.
template <class Real>
class CellEdges {
 public:
  /// On the grid in float, Angstrom in double.
  using Coordinate = std::conditional_t<std::is_same_v<Real, float>, std::int32_t, double>;

  /// Coordinates of up to `most_kept` atoms are kept in the order of their cells; of more they are taken from the
  /// positions wherever they are wanted, which saves a third to a half of the memory and takes longer.
  explicit CellEdges(std::size_t most_kept = 8'000'000) : most_kept_(most_kept) {}

  /// Sorts atoms at `positions` [own + ghosts][3]; edges up to `cutoff` long are to be found until some have moved by
  /// half of `skin`. Throws AtomError for a position that is not finite.
  void sort(const double* positions, int own, int ghosts, double cutoff, double skin);

  /// Takes up where the atoms that were sorted are now, and their rows as edges are to name them. Throws AtomError for
  /// a position that is not finite.
  void update(const double* positions, const AtomRows& rows);

  /// Another cutoff, no longer than that of sort().
  void set_cutoff(double cutoff) { cutoff_ = cutoff; }

  /// Own atoms in an order in which those near each other in space are near each other.
  std::span<const int> order() const { return sorted_[0].cells.order(); }

  /// Appends the edges of `centres`, which are best near each other. Throws AtomError for two atoms less than 0.01
  /// Angstrom apart.
  void append(std::span<const int> centres, EdgeBlock<Real>& block) const;

  /// Calls visit(centre, neighbours) for each of `centres`, with all atoms that are within cutoff and skin where
  /// update() found them, if that was where they were sorted.
  void visit_lists(std::span<const int> centres, const std::function<void(int, std::span<const int>)>& visit) const;

  double bytes() const;

 private:
  class Candidates;

  /// Atoms first .. first + number of them - 1.
  struct Sorted {
    int first = 0;
    CellList cells;                   // of atoms counted from `first`
    std::vector<Coordinate> x, y, z;  // in order of the cells, or empty

    int atoms() const { return static_cast<int>(cells.order().size()); }
    bool keeps_coordinates() const { return !x.empty(); }
  };

  bool follow(Sorted& sorted);
  std::array<Coordinate, 3> coordinates(int atom) const;
  Bounds bounds_of(std::span<const int> atoms) const;
  bool is_wide(const Bounds& bounds) const;
  Candidates candidates(const Bounds& bounds, double reach) const;
  /// Calls work(group, candidates) for groups of centres that are near each other.
  template <class Work>
  void for_each_group(std::span<const int> centres, double reach, const Work& work) const;
  std::array<Coordinate, 3> far_from(const Bounds& bounds) const;
  int strip(const Candidates& all, int centre, double cutoff) const;
  void fail_too_close(int centre, const NearEdges<Real>& edges, int count) const;

  std::size_t most_kept_;
  std::array<Sorted, 2> sorted_;  // own atoms and ghosts
  const double* positions_ = nullptr;
  AtomRows rows_;
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
