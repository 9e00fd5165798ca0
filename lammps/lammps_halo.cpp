// SPDX-License-Identifier: GPL-2.0-only
#include "lammps_halo.h"

#include <lammps/atom.h>
#include <lammps/comm.h>
#include <lammps/lammps.h>
#include <lammps/neigh_list.h>

#include <utility>

#include "halo_comm.h"
#include "lammps_graph.h"

using namespace LAMMPS_NS;

std::vector<grapevine::Owner> OwnerFinder::find(LAMMPS *lmp, Pair *pair)
{
  rank_ = lmp->comm->me;
  own_ = lmp->atom->nlocal;
  ghosts_.assign(static_cast<std::size_t>(lmp->atom->nghost), {});
  forward_comm(*lmp->comm, pair, 2);
  return std::move(ghosts_);
}

// Ghosts are passed on from rank to rank, so that a message may hold ghosts as well as own atoms.
int OwnerFinder::pack_forward(int n, const int *list, double *buf)
{
  int m = 0;
  for (int i = 0; i < n; i++) {
    const grapevine::Owner owner = list[i] < own_ ? grapevine::Owner{rank_, list[i]} : ghosts_[list[i] - own_];
    buf[m++] = owner.rank;
    buf[m++] = owner.atom;
  }
  return m;
}

void OwnerFinder::unpack_forward(int n, int first, const double *buf)
{
  for (int i = first; i < first + n; i++, buf += 2)
    ghosts_[i - own_] = {static_cast<int>(buf[0]), static_cast<int>(buf[1])};
}

std::vector<unsigned char> LAMMPS_NS::ghosts_in_lists(const LammpsGraph &graph, int own, int ghosts)
{
  std::vector<unsigned char> used(static_cast<std::size_t>(ghosts), 0);
  graph.visit_lists([&](int, std::span<const int> neighbours) {
    for (const int entry : neighbours) {
      const int j = entry & NEIGHMASK;
      if (j >= own) used[j - own] = 1;
    }
  });
  return used;
}

std::vector<int> LAMMPS_NS::halo_rows(const grapevine::HaloPlan &plan)
{
  std::vector<int> rows;
  for (const grapevine::HaloPlan::Peer &owner : plan.owners())
    rows.insert(rows.end(), owner.rows.begin(), owner.rows.end());
  return rows;
}

std::vector<unsigned char> LAMMPS_NS::atoms_at_boundary(const LammpsGraph &graph, int own,
                                                        const grapevine::HaloPlan &plan)
{
  if (plan.owners().empty() && plan.holders().empty()) return {};
  std::vector<unsigned char> at_boundary(static_cast<std::size_t>(own), 0);
  for (const grapevine::HaloPlan::Peer &holder : plan.holders())
    for (const int row : holder.rows) at_boundary[row] = 1;
  const grapevine::AtomRows rows{own, plan.ghost_rows().data()};
  graph.visit_lists([&](int i, std::span<const int> neighbours) {
    for (const int entry : neighbours) {
      if (at_boundary[i]) return;
      at_boundary[i] = rows(entry & NEIGHMASK) >= own;
    }
  });
  return at_boundary;
}
