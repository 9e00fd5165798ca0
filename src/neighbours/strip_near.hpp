#pragma once

#include <cstdint>

namespace grapevine {

/// Atoms near some centres, side by side. Behind the last come some that are beyond the cutoff of all: the number of
/// lanes of a vector.
template <class Coordinate, class Index>
struct NearAtoms {
  const Coordinate* x;
  const Coordinate* y;
  const Coordinate* z;
  const Index* atom;
  int count;
};

/// Where edges are written, with room for all atoms that are near, and a vector more.
template <class Real>
struct NearEdges {
  Real* x;
  Real* y;
  Real* z;
  int* atom;
};

/// Atoms on the grid, for edges in float.
using NearOnGrid = NearAtoms<std::int32_t, std::int32_t>;
/// Atoms in Angstrom.
using NearInAngstrom = NearAtoms<double, std::int64_t>;

/// The atom whose neighbours are wanted, in the same coordinates.
template <class Coordinate>
struct NearCentre {
  Coordinate x, y, z;
  int atom;
};

/// Writes atom and vector of every other atom within the cutoff and returns their number. `nearest` becomes the
/// smallest square of a distance, no more than `cutoff_squared`. `spacing` of the grid in Angstrom is a power of two.
int strip_near(const NearOnGrid& near, const NearCentre<std::int32_t>& centre, float spacing, float cutoff_squared,
               const NearEdges<float>& edges, float& nearest);
int strip_near(const NearInAngstrom& near, const NearCentre<double>& centre, double cutoff_squared,
               const NearEdges<double>& edges, double& nearest);

}  // namespace grapevine
