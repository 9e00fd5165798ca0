// SPDX-License-Identifier: GPL-2.0-only
#include "cell_graph.h"

#include <lammps/atom.h>

#include <algorithm>
#include <utility>

using namespace LAMMPS_NS;

// as many centres as are looked at together
static constexpr std::size_t BLOCK = 16;

/* ---------------------------------------------------------------------- */

void CellGraph::sort(const Atom &atom, double cutoff, double skin)
{
  if (mixed_)
    sort_in(in_float_, atom, cutoff, skin);
  else
    sort_in(in_double_, atom, cutoff, skin);
}

template <class Real>
void CellGraph::sort_in(grapevine::CellEdges<Real> &cells, const Atom &atom, double cutoff, double skin)
{
  const int atoms = atom.nlocal + atom.nghost;
  const double *positions = atoms > 0 ? atom.x[0] : nullptr;
  cells.sort(positions, atoms, cutoff, skin);
  cells.update(positions, nullptr);
  std::vector<int> centres;
  centres.reserve(static_cast<std::size_t>(atom.nlocal));
  for (const int i : cells.order())
    if (i < atom.nlocal) centres.push_back(i);
  set_centres(std::move(centres));
}

/* ---------------------------------------------------------------------- */

void CellGraph::visit_lists(const Visit &visit) const
{
  if (mixed_)
    visit_in(in_float_, visit);
  else
    visit_in(in_double_, visit);
}

template <class Real> void CellGraph::visit_in(const grapevine::CellEdges<Real> &cells, const Visit &visit) const
{
  const std::span<const int> all = centres();
  for (std::size_t first = 0; first < all.size(); first += BLOCK)
    cells.visit_lists(all.subspan(first, std::min(BLOCK, all.size() - first)), visit);
}

/* ---------------------------------------------------------------------- */

void CellGraph::place(const double *positions, int /*atoms*/, double /*reach*/)
{
  if (mixed_)
    in_float_.update(positions, rows());
  else
    in_double_.update(positions, rows());
}

void CellGraph::set_cutoff(double cutoff)
{
  if (mixed_)
    in_float_.set_cutoff(cutoff);
  else
    in_double_.set_cutoff(cutoff);
}

/* ---------------------------------------------------------------------- */

void CellGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<float> &block) const
{
  block.clear();
  in_float_.append(centres, block);
}

void CellGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<double> &block) const
{
  block.clear();
  in_double_.append(centres, block);
}

double CellGraph::bytes() const
{
  return LammpsGraph::bytes() + in_float_.bytes() + in_double_.bytes();
}
