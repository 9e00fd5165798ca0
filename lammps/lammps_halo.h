// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAMMPS_HALO_H
#define GRAPEVINE_LAMMPS_HALO_H

#include "exchange/mpi/halo_plan.hpp"

#include <span>
#include <vector>

#include "message_packer.h"

namespace LAMMPS_NS {
class LAMMPS;
class LammpsGraph;
class Pair;

/// Asks LAMMPS's halo communication whose copies the ghosts are, whatever the comm_style.
class OwnerFinder final : public MessagePacker {
 public:
  /// Collective; the pair style has to pass its messages on to this object meanwhile.
  std::vector<grapevine::Owner> find(LAMMPS *lmp, Pair *pair);

  int pack_forward(int n, const int *list, double *buf) override;
  void unpack_forward(int n, int first, const double *buf) override;
  int pack_reverse(int, int, double *) override { return 0; }
  void unpack_reverse(int, const int *, const double *) override {}

 private:
  int rank_ = 0;
  int own_ = 0;
  std::vector<grapevine::Owner> ghosts_;
};

/// [ghosts] 1 for those that are in the list of some centre.
std::vector<unsigned char> ghosts_in_lists(const LammpsGraph &graph, int own, int ghosts);

/// Rows of all atoms that this rank holds of others.
std::vector<int> halo_rows(const grapevine::HaloPlan &plan);

/// [own] 1 for centres with neighbours in rows of ghosts and for atoms that are sent to other ranks; empty if there are
/// none.
std::vector<unsigned char> atoms_at_boundary(const LammpsGraph &graph, int own, const grapevine::HaloPlan &plan);

}    // namespace LAMMPS_NS

#endif
