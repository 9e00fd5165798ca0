// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAMMPS_EXCLUSIONS_H
#define GRAPEVINE_LAMMPS_EXCLUSIONS_H

#include <lammps/pointers.h>

#include <string>
#include <vector>

namespace LAMMPS_NS {
class NeighList;

/// What LAMMPS leaves out of the full neighbour list of a pair style whose energies are not sums over pairs.
///
/// Atoms in a group that is excluded from group all (as fix gcmc does to try a deletion), or of a type that is excluded
/// from all types of the style, are not there for it: they are no centres, and count nothing. Pairs that are left out
/// in other ways change the energies of atoms that stay, which the user has to know.
class Exclusions : protected Pointers {
 public:
  /// Of a list that was just built; `map` [ntypes + 1] is -1 for types that the style does not treat.
  Exclusions(LAMMPS *lmp, const NeighList &list, const int *map);

  /// Own atoms of the list that are not excluded from all others.
  std::vector<int> centres() const;

  /// Says which command leaves out pairs of atoms that are there, and what to do; empty if none does. Collective.
  std::string pairs_left_out() const;

  /// Says which treated atoms special_bonds drops from each other's lists, and what to do; empty if none. Collective.
  std::string bonds_left_out() const;

 private:
  bool treated(int i) const { return map_[type_[i]] >= 0; }
  bool there(int i) const { return treated(i) && !(mask_[i] & groups_gone_) && !types_gone_[type_[i]]; }
  std::string by_hybrid() const;
  std::string by_type() const;
  std::string by_group() const;
  std::string by_molecule() const;
  bool two_in_one_molecule(int bit) const;
  bool two_molecules(int bit) const;
  tagint bond_left_out(int i) const;

  const NeighList &list_;
  const int *map_;
  const int *type_, *mask_;
  int groups_gone_;                 // bits of groups that are excluded from group all
  std::vector<bool> types_gone_;    // [ntypes + 1] excluded from all treated types
};

}    // namespace LAMMPS_NS

#endif
