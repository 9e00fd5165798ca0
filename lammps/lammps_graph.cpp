// SPDX-License-Identifier: GPL-2.0-only
#include "lammps_graph.h"

#include <lammps/atom.h>
#include <lammps/neigh_list.h>

using namespace LAMMPS_NS;

void LammpsGraph::update(const Atom &atom, const NeighList &list, const int *species_of_type, double cutoff)
{
  list_ = &list;
  positions_ = atom.x;
  cutoff_squared_ = cutoff * cutoff;
  own_ = atom.nlocal;
  ghosts_ = atom.nghost;
  species_.resize(static_cast<std::size_t>(own_ + ghosts_));
  for (int i = 0; i < own_ + ghosts_; i++) species_[i] = species_of_type[atom.type[i]];
}

int LammpsGraph::centres() const
{
  return list_->inum;
}

void LammpsGraph::edges(grapevine::CentreRange range, grapevine::EdgeBlock &block) const
{
  block.centre.clear();
  block.first.clear();
  block.neighbour.clear();
  block.vector.clear();
  for (int ii = range.begin; ii < range.end; ii++) {
    const int i = list_->ilist[ii];
    const double *xi = positions_[i];
    block.centre.push_back(i);
    block.first.push_back(static_cast<int>(block.neighbour.size()));
    for (int jj = 0; jj < list_->numneigh[i]; jj++) {
      const int j = list_->firstneigh[i][jj] & NEIGHMASK;
      const double *xj = positions_[j];
      const double d[3] = {xi[0] - xj[0], xi[1] - xj[1], xi[2] - xj[2]};
      const double square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
      if (square >= cutoff_squared_ || species_[j] < 0) continue;    // not-a-number passes, for the engine to refuse
      block.neighbour.push_back(j);
      block.vector.insert(block.vector.end(), d, d + 3);
    }
  }
  block.first.push_back(static_cast<int>(block.neighbour.size()));
}
