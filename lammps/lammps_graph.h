// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAMMPS_GRAPH_H
#define GRAPEVINE_LAMMPS_GRAPH_H

#include "engine/graph.hpp"
#include "neighbours/edge_stripper.hpp"

#include <optional>
#include <vector>

namespace LAMMPS_NS {
class Atom;
class NeighList;

/// A rank's atoms and full neighbour list, as the engine wants to see them.
class LammpsGraph : public grapevine::Graph {
 public:
  explicit LammpsGraph(bool mixed) : mixed_(mixed) {}

  /// Takes up a new neighbour list and those of its atoms whose energy is computed. `rows` [own + ghosts] tells which
  /// row of arrays over atoms each atom uses; empty stands for one row each. `ghost_rows` and `at_boundary` are as in
  /// Graph.
  void set_list(const NeighList &list, std::vector<int> centres, std::vector<int> rows,
                std::optional<std::vector<int>> ghost_rows, std::vector<unsigned char> at_boundary);

  /// Takes up the atoms as they are now; `species_of_type` is [ntypes + 1], -1 for types of other potentials. The list
  /// reaches no further than `reach`. Throws AtomError for a position that is not finite.
  void update(const Atom &atom, const int *species_of_type, double cutoff, double reach);

  /// Shows the atoms of the last update to another model, of a cutoff within that update's reach.
  void set_model(const Atom &atom, const int *species_of_type, double cutoff);

  int own() const override { return own_; }
  int ghosts() const override { return ghosts_; }
  std::span<const int> centres() const override { return centres_; }
  std::span<const int> species() const override { return species_; }
  std::span<const unsigned char> at_boundary() const override { return at_boundary_; }
  std::optional<std::span<const int>> ghost_rows() const override { return ghost_rows_; }
  void edges(std::span<const int> centres, grapevine::EdgeBlock<float> &block) const override;
  void edges(std::span<const int> centres, grapevine::EdgeBlock<double> &block) const override;

  double bytes() const;

 private:
  template <class Real>
  void fill(const grapevine::EdgeStripper<Real> &, std::span<const int>, grapevine::EdgeBlock<Real> &) const;

  bool mixed_;
  const NeighList *list_ = nullptr;
  int own_ = 0;
  int ghosts_ = 0;
  bool own_rows_ = true;
  std::vector<int> centres_;
  std::vector<int> rows_;
  std::optional<std::vector<int>> ghost_rows_;
  std::vector<unsigned char> at_boundary_;
  std::vector<int> species_;
  grapevine::EdgeStripper<float> in_float_;
  grapevine::EdgeStripper<double> in_double_;
};

}    // namespace LAMMPS_NS

#endif
