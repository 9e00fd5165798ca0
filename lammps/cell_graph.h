// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_CELL_GRAPH_H
#define GRAPEVINE_CELL_GRAPH_H

#include "neighbours/cell_edges.hpp"

#include <variant>

#include "lammps_graph.h"

namespace LAMMPS_NS {

/// Edges without a neighbour list: LAMMPS need not build one.
class CellGraph final : public LammpsGraph {
 public:
  explicit CellGraph(bool mixed);

  /// Takes up atoms that LAMMPS has just exchanged; all own ones are centres. Edges up to `cutoff` long will be found
  /// until some atom has moved by half of `skin`.
  void sort(const Atom &atom, double cutoff, double skin);

  std::span<const int> centres() const override;
  void visit_lists(const Visit &visit) const override;
  void edges(std::span<const int> centres, grapevine::EdgeBlock<float> &block) const override;
  void edges(std::span<const int> centres, grapevine::EdgeBlock<double> &block) const override;
  double bytes() const override;

 private:
  void place(const double *positions, int atoms, double cutoff, double reach) override;
  void set_cutoff(double cutoff) override;
  template <class Real> void fill(std::span<const int>, grapevine::EdgeBlock<Real> &) const;

  std::variant<grapevine::CellEdges<double>, grapevine::CellEdges<float>> cells_;
};

}    // namespace LAMMPS_NS

#endif
