// SPDX-License-Identifier: GPL-2.0-only
#include "cell_graph.h"

#include <lammps/atom.h>

#include <algorithm>
#include <utility>

using namespace LAMMPS_NS;

// as many centres as are looked at together
static constexpr std::size_t BLOCK = 16;

CellGraph::CellGraph(bool mixed)
{
  if (mixed) cells_ = grapevine::CellEdges<float>();
}

void CellGraph::sort(const Atom &atom, double cutoff, double skin)
{
  const double *positions = atom.nlocal + atom.nghost > 0 ? atom.x[0] : nullptr;
  std::visit(
      [&](auto &cells) {
        cells.sort(positions, atom.nlocal, atom.nghost, cutoff, skin);
        cells.update(positions, {});
      },
      cells_);
}

std::span<const int> CellGraph::centres() const
{
  return std::visit([](const auto &cells) { return cells.order(); }, cells_);
}

void CellGraph::visit_lists(const Visit &visit) const
{
  const std::span<const int> all = centres();
  std::visit(
      [&](const auto &cells) {
        for (std::size_t first = 0; first < all.size(); first += BLOCK)
          cells.visit_lists(all.subspan(first, std::min(BLOCK, all.size() - first)), visit);
      },
      cells_);
}

void CellGraph::place(const double *positions, int /*atoms*/, double /*cutoff*/, double /*reach*/)
{
  std::visit([&](auto &cells) { cells.update(positions, rows()); }, cells_);
}

void CellGraph::set_cutoff(double cutoff)
{
  std::visit([&](auto &cells) { cells.set_cutoff(cutoff); }, cells_);
}

template <class Real> void CellGraph::fill(std::span<const int> centres, grapevine::EdgeBlock<Real> &block) const
{
  block.clear();
  std::get<grapevine::CellEdges<Real>>(cells_).append(centres, block);
}

void CellGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<float> &block) const
{
  fill(centres, block);
}

void CellGraph::edges(std::span<const int> centres, grapevine::EdgeBlock<double> &block) const
{
  fill(centres, block);
}

double CellGraph::bytes() const
{
  return LammpsGraph::bytes() + std::visit([](const auto &cells) { return cells.bytes(); }, cells_);
}
