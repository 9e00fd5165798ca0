// SPDX-License-Identifier: GPL-2.0-only
#include "lammps_graph.h"

#include <lammps/atom.h>

#include <numeric>
#include <utility>

using namespace LAMMPS_NS;

void LammpsGraph::set_rows(std::optional<std::vector<int>> row_of_ghost, std::optional<std::vector<int>> ghost_rows,
                           std::vector<unsigned char> at_boundary)
{
  own_rows_ = !row_of_ghost;
  row_of_ghost_ = own_rows_ ? std::vector<int>() : std::move(*row_of_ghost);
  ghost_rows_ = std::move(ghost_rows);
  at_boundary_ = std::move(at_boundary);
}

void LammpsGraph::update(const Atom &atom, const int *species_of_type, double cutoff, double reach)
{
  own_ = atom.nlocal;
  ghosts_ = atom.nghost;
  const int atoms = own_ + ghosts_;
  if (own_rows_) {
    row_of_ghost_.resize(static_cast<std::size_t>(ghosts_));
    std::iota(row_of_ghost_.begin(), row_of_ghost_.end(), own_);
  }
  set_model(atom, species_of_type, cutoff);
  if (atoms > 0) place(atom.x[0], atoms, cutoff, reach);
}

void LammpsGraph::set_model(const Atom &atom, const int *species_of_type, double cutoff)
{
  const int atoms = own_ + ghosts_;
  species_.resize(static_cast<std::size_t>(atoms));
  for (int i = 0; i < atoms; i++) species_[i] = species_of_type[atom.type[i]];
  set_cutoff(cutoff);
}

double LammpsGraph::bytes() const
{
  return static_cast<double>((row_of_ghost_.capacity() + species_.capacity()) * sizeof(int) + at_boundary_.capacity());
}
