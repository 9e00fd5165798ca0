// SPDX-License-Identifier: GPL-2.0-only
#include "lammps_graph.h"

#include <lammps/atom.h>
#include <lammps/neigh_list.h>

#include <numeric>
#include <utility>

using namespace LAMMPS_NS;

void LammpsGraph::set_list(const NeighList &list, std::vector<int> centres, std::vector<int> rows,
                           std::optional<std::vector<int>> ghost_rows, std::vector<unsigned char> at_boundary)
{
  list_ = &list;
  centres_ = std::move(centres);
  own_rows_ = rows.empty();
  rows_ = std::move(rows);
  ghost_rows_ = std::move(ghost_rows);
  at_boundary_ = std::move(at_boundary);
}

void LammpsGraph::update(const Atom &atom, const int *species_of_type, double cutoff, double reach)
{
  own_ = atom.nlocal;
  ghosts_ = atom.nghost;
  const int atoms = own_ + ghosts_;
  if (own_rows_ && static_cast<int>(rows_.size()) != atoms) {
    rows_.resize(static_cast<std::size_t>(atoms));
    std::iota(rows_.begin(), rows_.end(), 0);
  }
  set_model(atom, species_of_type, cutoff);
  if (atoms == 0) return;
  if (mixed_)
    in_float_.update(atom.x[0], atoms, rows_.data(), cutoff, reach);
  else
    in_double_.update(atom.x[0], atoms, rows_.data(), cutoff, reach);
}

void LammpsGraph::set_model(const Atom &atom, const int *species_of_type, double cutoff)
{
  const int atoms = own_ + ghosts_;
  species_.resize(static_cast<std::size_t>(atoms));
  for (int i = 0; i < atoms; i++) species_[i] = species_of_type[atom.type[i]];
  if (mixed_)
    in_float_.set_cutoff(cutoff);
  else
    in_double_.set_cutoff(cutoff);
}

template <class Real>
void LammpsGraph::fill(const grapevine::EdgeStripper<Real> &stripper, std::span<const int> centres,
                       grapevine::EdgeBlock<Real> &block) const
{
  block.clear();
  for (const int i : centres) stripper.append(i, list_->firstneigh[i], list_->numneigh[i], NEIGHMASK, block);
}

void LammpsGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<float> &block) const
{
  fill(in_float_, centres, block);
}

void LammpsGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<double> &block) const
{
  fill(in_double_, centres, block);
}

double LammpsGraph::bytes() const
{
  return static_cast<double>((centres_.capacity() + rows_.capacity() + species_.capacity()) * sizeof(int) +
                             at_boundary_.capacity()) +
         in_float_.bytes() + in_double_.bytes();
}
