#pragma once

#include <cstdint>
#include <vector>

#include "engine/graph.hpp"
#include "neighbours/atom_rows.hpp"

namespace grapevine {

/// Turns lists of atoms near a centre (within the cutoff and a skin) into edges within the cutoff.
///
/// In double precision an edge vector is the difference of the positions. In float it is the exact difference of
/// positions rounded to a grid of 2^-26 Angstrom (coarser for cutoffs beyond 28 Angstrom), held as 32-bit integers that
/// wrap around: far from the origin no digit is lost, and an atom takes 16 bytes.
template <class Real>
class EdgeStripper;

template <>
class EdgeStripper<float> {
 public:
  /// `positions` [atoms][3] in Angstrom, `rows` of all of them as edges are to name them. Lists reach no further than
  /// `reach`. Throws AtomError for a position that is not finite.
  void update(const double* positions, int atoms, const AtomRows& rows, double cutoff, double reach);

  /// Appends the edges of `centre` from those of its list, whose entries are atoms after `mask` was applied to their
  /// bits. Throws AtomError for two atoms less than 0.01 Angstrom apart.
  void append(int centre, const int* list, int count, int mask, EdgeBlock<float>& block) const;

  /// Another cutoff for the same positions, within their reach.
  void set_cutoff(double cutoff) { cutoff_squared_ = static_cast<float>(cutoff * cutoff); }

  double bytes() const { return static_cast<double>(points_.capacity() * sizeof(Point)); }

  struct Point {
    std::int32_t x, y, z, row;
  };

 private:
  std::vector<Point> points_;
  float cutoff_squared_ = 0;
  float spacing_ = 0;  // of the grid, Angstrom
};

template <>
class EdgeStripper<double> {
 public:
  void update(const double* positions, int atoms, const AtomRows& rows, double cutoff, double reach);
  void append(int centre, const int* list, int count, int mask, EdgeBlock<double>& block) const;
  void set_cutoff(double cutoff) { cutoff_squared_ = cutoff * cutoff; }
  double bytes() const { return 0; }

 private:
  const double* positions_ = nullptr;
  AtomRows rows_;
  double cutoff_squared_ = 0;
};

}  // namespace grapevine
