// SPDX-License-Identifier: GPL-2.0-only
#include "list_graph.h"

#include <lammps/neigh_list.h>

#include <utility>

using namespace LAMMPS_NS;

ListGraph::ListGraph(bool mixed)
{
  if (mixed) stripper_ = grapevine::EdgeStripper<float>();
}

void ListGraph::set_list(const NeighList &list, std::vector<int> centres)
{
  list_ = &list;
  centres_ = std::move(centres);
}

void ListGraph::visit_lists(const Visit &visit) const
{
  for (const int i : centres_) visit(i, {list_->firstneigh[i], static_cast<std::size_t>(list_->numneigh[i])});
}

void ListGraph::place(const double *positions, int atoms, double cutoff, double reach)
{
  std::visit([&](auto &stripper) { stripper.update(positions, atoms, rows(), cutoff, reach); }, stripper_);
}

void ListGraph::set_cutoff(double cutoff)
{
  std::visit([&](auto &stripper) { stripper.set_cutoff(cutoff); }, stripper_);
}

template <class Real> void ListGraph::fill(std::span<const int> centres, grapevine::EdgeBlock<Real> &block) const
{
  const auto &stripper = std::get<grapevine::EdgeStripper<Real>>(stripper_);
  block.clear();
  for (const int i : centres) stripper.append(i, list_->firstneigh[i], list_->numneigh[i], NEIGHMASK, block);
}

void ListGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<float> &block) const
{
  fill(centres, block);
}

void ListGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<double> &block) const
{
  fill(centres, block);
}

double ListGraph::bytes() const
{
  return LammpsGraph::bytes() + static_cast<double>(centres_.capacity() * sizeof(int)) +
         std::visit([](const auto &stripper) { return stripper.bytes(); }, stripper_);
}
