// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LIST_GRAPH_H
#define GRAPEVINE_LIST_GRAPH_H

#include "neighbours/edge_stripper.hpp"

#include <variant>

#include "lammps_graph.h"

namespace LAMMPS_NS {
class NeighList;

/// Edges from LAMMPS's full neighbour list.
class ListGraph final : public LammpsGraph {
 public:
  explicit ListGraph(bool mixed);

  /// Takes up a new neighbour list and those of its atoms whose energy is computed.
  void set_list(const NeighList &list, std::vector<int> centres);

  std::span<const int> centres() const override { return centres_; }
  void visit_lists(const Visit &visit) const override;
  void edges(std::span<const int> centres, grapevine::EdgeBlock<float> &block) const override;
  void edges(std::span<const int> centres, grapevine::EdgeBlock<double> &block) const override;
  double bytes() const override;

 private:
  void place(const double *positions, int atoms, double cutoff, double reach) override;
  void set_cutoff(double cutoff) override;
  template <class Real> void fill(std::span<const int>, grapevine::EdgeBlock<Real> &) const;

  const NeighList *list_ = nullptr;
  std::vector<int> centres_;
  std::variant<grapevine::EdgeStripper<double>, grapevine::EdgeStripper<float>> stripper_;
};

}    // namespace LAMMPS_NS

#endif
