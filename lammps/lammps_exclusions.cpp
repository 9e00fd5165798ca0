// SPDX-License-Identifier: GPL-2.0-only
#include "lammps_exclusions.h"

#include <lammps/atom.h>
#include <lammps/force.h>
#include <lammps/group.h>
#include <lammps/neigh_list.h>
#include <lammps/neighbor.h>

#include <algorithm>
#include <utility>

using namespace LAMMPS_NS;

static constexpr int GROUP_ALL = 0;

/* ---------------------------------------------------------------------- */

Exclusions::Exclusions(LAMMPS *lammps, const NeighList &list, const int *map) :
    Pointers(lammps), list_(list), map_(map), type_(atom->type), mask_(atom->mask), groups_gone_(0),
    types_gone_(atom->ntypes + 1, false)
{
  for (int m = 0; m < neighbor->nex_group; m++) {
    if (neighbor->ex1_group[m] == GROUP_ALL) groups_gone_ |= neighbor->ex2_bit[m];
    if (neighbor->ex2_group[m] == GROUP_ALL) groups_gone_ |= neighbor->ex1_bit[m];
  }
  if (neighbor->nex_type == 0) return;
  for (int a = 1; a <= atom->ntypes; a++) {
    bool from_all = true;
    for (int b = 1; b <= atom->ntypes; b++) from_all = from_all && (map_[b] < 0 || neighbor->ex_type[a][b]);
    types_gone_[a] = from_all;
  }
}

/* ---------------------------------------------------------------------- */

std::vector<int> Exclusions::centres() const
{
  std::vector<int> centres;
  centres.reserve(list_.inum);
  for (int ii = 0; ii < list_.inum; ii++)
    if (there(list_.ilist[ii])) centres.push_back(list_.ilist[ii]);
  return centres;
}

/* ---------------------------------------------------------------------- */

std::string Exclusions::pairs_left_out() const
{
  const std::string what =
      " leaves out pairs of atoms that pair style grapevine treats. Its energies are not sums over "
      "pairs: those of these atoms, and forces around them, are not the model's any more. ";
  std::string command = by_hybrid();
  if (!command.empty())
    return command + what +
           "Use pair_style hybrid/overlay to add another style, and NULL in pair_coeff of grapevine "
           "for types that other styles treat";
  command = by_type();
  if (command.empty()) command = by_group();
  if (command.empty()) command = by_molecule();
  if (command.empty()) return {};
  return command + what +
         "Do without it: atoms that are not to move need no more than fix setforce or being left out "
         "of the integration; atoms that are not to be there are a group excluded from group all";
}

/* ----------------------------------------------------------------------
   pairs of treated types that pair_coeff of pair_style hybrid gives to another style
------------------------------------------------------------------------- */

// LAMMPS 2 Aug 2023 has no hybrid/molecular.
template <class List> static bool is_by_molecule(const List &list)
{
  if constexpr (requires { list.molskip; })
    return list.molskip != 0;
  else
    return false;
}

std::string Exclusions::by_hybrid() const
{
  if (is_by_molecule(list_)) return "pair_style hybrid/molecular";
  if (!list_.iskip || !list_.ijskip) return {};
  for (int a = 1; a <= atom->ntypes; a++)
    for (int b = a; b <= atom->ntypes; b++)
      if (map_[a] >= 0 && map_[b] >= 0 && (list_.iskip[a] || list_.ijskip[a][b]))
        return fmt::format("pair_coeff {} {} of pair_style hybrid", a, b);
  return {};
}

/* ---------------------------------------------------------------------- */

std::string Exclusions::by_type() const
{
  if (neighbor->nex_type == 0) return {};
  const auto stays = [this](int type) { return map_[type] >= 0 && !types_gone_[type]; };
  for (int a = 1; a <= atom->ntypes; a++)
    for (int b = a; b <= atom->ntypes; b++)
      if (stays(a) && stays(b) && neighbor->ex_type[a][b]) return fmt::format("neigh_modify exclude type {} {}", a, b);
  return {};
}

/* ---------------------------------------------------------------------- */

std::string Exclusions::by_group() const
{
  for (int m = 0; m < neighbor->nex_group; m++) {
    const int first = neighbor->ex1_bit[m], second = neighbor->ex2_bit[m];
    if ((first | second) & groups_gone_) continue;
    bigint atoms[3] = {0, 0, 0};    // in the first group, the second, any of the two
    for (int i = 0; i < atom->nlocal; i++) {
      if (!there(i)) continue;
      if (mask_[i] & first) atoms[0]++;
      if (mask_[i] & second) atoms[1]++;
      if (mask_[i] & (first | second)) atoms[2]++;
    }
    MPI_Allreduce(MPI_IN_PLACE, atoms, 3, MPI_LMP_BIGINT, MPI_SUM, world);
    if (atoms[0] > 0 && atoms[1] > 0 && atoms[2] > 1)
      return fmt::format("neigh_modify exclude group {} {}", group->names[neighbor->ex1_group[m]],
                         group->names[neighbor->ex2_group[m]]);
  }
  return {};
}

/* ---------------------------------------------------------------------- */

std::string Exclusions::by_molecule() const
{
  for (int m = 0; m < neighbor->nex_mol; m++) {
    const bool intra = neighbor->ex_mol_intra[m];
    if (intra ? two_in_one_molecule(neighbor->ex_mol_bit[m]) : two_molecules(neighbor->ex_mol_bit[m]))
      return fmt::format("neigh_modify exclude molecule/{} {}", intra ? "intra" : "inter",
                         group->names[neighbor->ex_mol_group[m]]);
  }
  return {};
}

bool Exclusions::two_in_one_molecule(int bit) const
{
  std::vector<std::pair<tagint, tagint>> atoms;    // molecule and ID, of those that can be neighbours
  for (int i = 0; i < atom->nlocal + atom->nghost; i++)
    if (there(i) && mask_[i] & bit) atoms.emplace_back(atom->molecule[i], atom->tag[i]);
  std::sort(atoms.begin(), atoms.end());
  atoms.erase(std::unique(atoms.begin(), atoms.end()), atoms.end());
  const auto same = [](const auto &a, const auto &b) { return a.first == b.first; };
  int found = std::adjacent_find(atoms.begin(), atoms.end(), same) != atoms.end();
  MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPI_INT, MPI_MAX, world);
  return found;
}

bool Exclusions::two_molecules(int bit) const
{
  tagint range[2] = {-MAXTAGINT, -MAXTAGINT};    // largest ID of a molecule, and minus the smallest
  for (int i = 0; i < atom->nlocal; i++) {
    if (!there(i) || !(mask_[i] & bit)) continue;
    range[0] = std::max(range[0], atom->molecule[i]);
    range[1] = std::max(range[1], -atom->molecule[i]);
  }
  MPI_Allreduce(MPI_IN_PLACE, range, 2, MPI_LMP_TAGINT, MPI_MAX, world);
  return range[0] > -range[1];
}

/* ----------------------------------------------------------------------
   LAMMPS drops bonded neighbours whose weights are both zero when it builds the list, unless a long-range solver needs
   them; with any other weight they are in it, and count for this style like all others
------------------------------------------------------------------------- */

std::string Exclusions::bonds_left_out() const
{
  const int *kept = neighbor->special_flag;
  if (atom->molecular == Atom::ATOMIC || (kept[1] && kept[2] && kept[3])) return {};

  tagint pair[2] = {MAXTAGINT, 0};
  for (int i = 0; i < atom->nlocal; i++) {
    const tagint partner = atom->tag[i] < pair[0] ? bond_left_out(i) : 0;
    if (partner > 0) {
      pair[0] = atom->tag[i];
      pair[1] = partner;
    }
  }
  tagint first = pair[0];
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_LMP_TAGINT, MPI_MIN, world);
  if (first == MAXTAGINT) return {};
  tagint second = pair[0] == first ? pair[1] : 0;
  MPI_Allreduce(MPI_IN_PLACE, &second, 1, MPI_LMP_TAGINT, MPI_MAX, world);

  std::string weights[2];
  for (int k = 1; k <= 3; k++) {
    weights[0] += kept[k] ? fmt::format(" {}", force->special_lj[k]) : " 1e-50";
    weights[1] += kept[k] ? fmt::format(" {}", force->special_coul[k]) : " 1e-50";
  }
  const std::string who = atom->molecular == Atom::TEMPLATE
                              ? fmt::format("atom {} of a molecule template and its bonded neighbours", first)
                              : fmt::format("atoms {} and {}, which are bonded,", first, second);
  return fmt::format("Pair style grapevine treats {} and needs them in each other's neighbour lists, from which "
                     "special_bonds drops pairs of weight 0. Use a weight that is as good as none to other styles: "
                     "special_bonds lj{} coul{}",
                     who, weights[0], weights[1]);
}

/* ----------------------------------------------------------------------
   ID of a treated atom that special_bonds drops from the list of own atom i, 0 if there is none
------------------------------------------------------------------------- */

tagint Exclusions::bond_left_out(int i) const
{
  if (!treated(i)) return 0;
  // what is bonded in a molecule template cannot be seen from here: any other of its atoms may be
  if (atom->molecular == Atom::TEMPLATE) return atom->molindex[i] >= 0 ? atom->tag[i] : 0;
  int n = 0;
  for (int k = 1; k <= 3; k++)
    for (; n < atom->nspecial[i][k - 1]; n++) {
      if (neighbor->special_flag[k]) continue;
      const int j = atom->map(atom->special[i][n]);
      if (j >= 0 && treated(j)) return atom->special[i][n];
    }
  return 0;
}
