// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAMMPS_GRAPH_H
#define GRAPEVINE_LAMMPS_GRAPH_H

#include "engine/graph.hpp"

#include <vector>

namespace LAMMPS_NS {
class Atom;
class NeighList;

/// A rank's atoms and full neighbour list, as the engine wants to see them. Centres are the list's atoms: with
/// pair_style hybrid, those of this style's types only.
class LammpsGraph : public grapevine::Graph {
 public:
  /// Takes up the atoms as they are now; `species_of_type` is [ntypes + 1], -1 for types of other potentials.
  void update(const Atom &atom, const NeighList &list, const int *species_of_type, double cutoff);

  int own() const override { return own_; }
  int ghosts() const override { return ghosts_; }
  int centres() const override;
  std::span<const int> species() const override { return species_; }
  void edges(grapevine::CentreRange range, grapevine::EdgeBlock &block) const override;

 private:
  const NeighList *list_ = nullptr;
  const double *const *positions_ = nullptr;
  double cutoff_squared_ = 0;
  int own_ = 0;
  int ghosts_ = 0;
  std::vector<int> species_;
};

}    // namespace LAMMPS_NS

#endif
