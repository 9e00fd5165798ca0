// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAMMPS_GRAPH_H
#define GRAPEVINE_LAMMPS_GRAPH_H

#include "engine/graph.hpp"
#include "neighbours/atom_rows.hpp"

#include <functional>
#include <optional>
#include <vector>

namespace LAMMPS_NS {
class Atom;

/// A rank's atoms as the engine wants to see them, wherever their edges come from.
class LammpsGraph : public grapevine::Graph {
 public:
  using Visit = std::function<void(int, std::span<const int>)>;

  /// Calls visit(centre, neighbours) with all atoms within cutoff and skin of each centre, whose bits are those of a
  /// list of LAMMPS; when atoms were taken up, before any has moved.
  virtual void visit_lists(const Visit &visit) const = 0;

  /// `row_of_ghost` [ghosts] tells which row of arrays over atoms each ghost uses; nothing stands for one row each.
  /// `ghost_rows` and `at_boundary` are as in Graph.
  void set_rows(std::optional<std::vector<int>> row_of_ghost, std::optional<std::vector<int>> ghost_rows,
                std::vector<unsigned char> at_boundary);

  /// Takes up the atoms as they are now; `species_of_type` is [ntypes + 1], -1 for types of other potentials. Edges are
  /// found among atoms no further apart than `reach`. Throws AtomError for a position that is not finite.
  void update(const Atom &atom, const int *species_of_type, double cutoff, double reach);

  /// Shows the atoms of the last update to another model, of a cutoff within that update's reach.
  void set_model(const Atom &atom, const int *species_of_type, double cutoff);

  int own() const override { return own_; }
  int ghosts() const override { return ghosts_; }
  std::span<const int> species() const override { return species_; }
  std::span<const unsigned char> at_boundary() const override { return at_boundary_; }
  std::optional<std::span<const int>> ghost_rows() const override { return ghost_rows_; }

  virtual double bytes() const;

 protected:
  grapevine::AtomRows rows() const { return {own_, row_of_ghost_.data()}; }

 private:
  virtual void place(const double *positions, int atoms, double cutoff, double reach) = 0;
  virtual void set_cutoff(double cutoff) = 0;

  int own_ = 0;
  int ghosts_ = 0;
  bool own_rows_ = true;
  std::vector<int> row_of_ghost_;
  std::optional<std::vector<int>> ghost_rows_;
  std::vector<unsigned char> at_boundary_;
  std::vector<int> species_;
};

}    // namespace LAMMPS_NS

#endif
