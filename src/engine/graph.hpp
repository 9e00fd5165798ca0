#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "support/error.hpp"

namespace grapevine {

/// Two atoms closer than any potential is defined for, or at positions that are not numbers. Indices are the graph's,
/// so that the host can name the atoms as its user knows them.
class AtomError : public Error {
 public:
  AtomError(int first_atom, int second_atom, double distance_between);

  int first;
  int second;
  double distance;  ///< Angstrom, or not a number
};

/// The edges i <- j of a few centres of one species in compressed sparse rows, stripped to the cutoff. A block is small
/// enough to stay in cache; whole-system edge arrays are never made. Arrays over edges have room for `padding` more,
/// whose values mean nothing, so that kernels may read and write whole vectors.
template <class Real>
struct EdgeBlock {
  static constexpr int padding = 16;

  int species = 0;             ///< of all centres
  std::vector<int> centre;     ///< [centres] atom i
  std::vector<int> first{0};   ///< [centres + 1] edges of centre c are first[c] .. first[c + 1] - 1
  std::vector<int> neighbour;  ///< [edges] row of atom j in arrays over atoms
  std::vector<Real> x;         ///< [edges] components of d = r_i - r_j in Angstrom
  std::vector<Real> y;
  std::vector<Real> z;

  int centres() const { return static_cast<int>(centre.size()); }
  int edges() const { return first.back(); }

  void clear() {
    centre.clear();
    first.assign(1, 0);
    reserve(0);
  }

  /// Makes room for `more` edges behind those of the last centre.
  void reserve(int more) {
    const std::size_t size = static_cast<std::size_t>(edges()) + static_cast<std::size_t>(more) + padding;
    if (neighbour.size() >= size) return;
    const std::size_t grown = size + size / 8;
    neighbour.resize(grown);
    x.resize(grown);
    y.resize(grown);
    z.resize(grown);
  }

  double bytes() const {
    return static_cast<double>((centre.capacity() + first.capacity() + neighbour.capacity()) * sizeof(int) +
                               (x.capacity() + y.capacity() + z.capacity()) * sizeof(Real));
  }

  /// The edges written behind those of the last centre are those of atom i.
  void close(int i, int edge_count) {
    centre.push_back(i);
    first.push_back(edges() + edge_count);
  }
};

/// The neighbourhood of one rank's atoms, as a host (LAMMPS, a structure file) sees it.
///
/// Atoms are numbered 0 .. own() - 1 for the rank's own atoms and own() .. own() + ghosts() - 1 for ghosts: copies of
/// atoms that belong to another rank, or periodic images. Centres are the own atoms whose energy is computed: all of
/// them, unless the host gives some to another potential. Arrays over atoms have a row for each; an edge may name the
/// row of another copy of its atom j, which then holds the features of all copies and gathers all gradients and forces.
class Graph {
 public:
  virtual ~Graph() = default;

  virtual int own() const = 0;
  virtual int ghosts() const = 0;

  /// Own atoms whose energy is computed, in the order in which neighbours in space are near each other.
  virtual std::span<const int> centres() const = 0;

  /// [own + ghosts] index of each atom's element in the model's species; -1 for an atom the model does not treat.
  virtual std::span<const int> species() const = 0;

  /// [own] not 0 for atoms that have edges to rows of ghosts, or whose rows are sent to other ranks; they can only be
  /// computed when an exchange has ended. Empty if there are none.
  virtual std::span<const unsigned char> at_boundary() const = 0;

  /// Rows of ghosts that edges or exchanges may name: no other ghost's row is ever looked at. Nothing stands for all.
  virtual std::optional<std::span<const int>> ghost_rows() const { return std::nullopt; }

  /// Fills `block` with the edges of `centres`, all of one species: every j with |r_i - r_j| < cutoff. May be called
  /// from several threads at once. Throws AtomError for atoms on top of each other.
  virtual void edges(std::span<const int> centres, EdgeBlock<float>& block) const = 0;
  virtual void edges(std::span<const int> centres, EdgeBlock<double>& block) const = 0;
};

}  // namespace grapevine
