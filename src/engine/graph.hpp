#pragma once

#include <span>
#include <vector>

namespace grapevine {

/// A run of centres: positions [begin, end) in the order in which a Graph lists its centres.
struct CentreRange {
  int begin = 0;
  int end = 0;
};

/// The edges i <- j of a few centres in compressed sparse rows, stripped to the cutoff. A block is small enough to
/// stay in cache; whole-system edge arrays are never made.
struct EdgeBlock {
  std::vector<int> centre;     ///< [centres] atom index i of each centre
  std::vector<int> first;      ///< [centres + 1] edges of centre c are first[c] .. first[c + 1] - 1
  std::vector<int> neighbour;  ///< [edges] atom index j, own or ghost
  std::vector<double> vector;  ///< [edges][3] d = r_i - r_j in Angstrom

  int centres() const { return static_cast<int>(centre.size()); }
  int edges() const { return static_cast<int>(neighbour.size()); }
};

/// The neighbourhood of one rank's atoms, as a host (LAMMPS, a structure file) sees it.
///
/// Atoms are numbered 0 .. own() - 1 for the rank's own atoms and own() .. own() + ghosts() - 1 for ghosts: copies of
/// atoms that belong to another rank, or periodic images. Centres are the own atoms whose energy is computed: all of
/// them, unless the host gives some to another potential.
class Graph {
 public:
  virtual ~Graph() = default;

  virtual int own() const = 0;
  virtual int ghosts() const = 0;
  virtual int centres() const = 0;

  /// [own + ghosts] index of each atom's element in the model's species; -1 for an atom the model does not treat.
  virtual std::span<const int> species() const = 0;

  /// Fills `block` with the edges of the centres in `range`: every j with |r_i - r_j| < cutoff, and every j whose
  /// distance is not a number, so that the engine can refuse it. May be called from several threads at once.
  virtual void edges(CentreRange range, EdgeBlock& block) const = 0;
};

}  // namespace grapevine
