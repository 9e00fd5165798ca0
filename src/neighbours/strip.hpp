#pragma once

#include "neighbours/edge_stripper.hpp"

namespace grapevine {

/// A list of atoms around a centre, all on the grid.
struct GridList {
  const EdgeStripper<float>::Point* points;
  int centre;
  const int* list;
  int count;
  int mask;       ///< applied to the bits of list entries
  float spacing;  ///< of the grid, Angstrom
  float cutoff_squared;
};

/// Writes row and vector of every neighbour within the cutoff and returns their number. Arrays have room for `count`
/// and a vector more. `nearest` is lowered to the smallest square of a distance.
int strip(const GridList& near, float* x, float* y, float* z, int* row, float& nearest);

}  // namespace grapevine
