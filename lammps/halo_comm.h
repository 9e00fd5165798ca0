// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_HALO_COMM_H
#define GRAPEVINE_HALO_COMM_H

namespace LAMMPS_NS {
class Pair;

/// LAMMPS's halo communication of a pair style with `width` numbers per atom. Before 2025 LAMMPS makes room for as many
/// as the pair style has at most, and sends what it packs.
template <class Comm> void forward_comm(Comm &comm, Pair *pair, [[maybe_unused]] int width)
{
  if constexpr (requires { comm.forward_comm(pair, width); })
    comm.forward_comm(pair, width);
  else
    comm.forward_comm(pair);
}

template <class Comm> void reverse_comm(Comm &comm, Pair *pair, [[maybe_unused]] int width)
{
  if constexpr (requires { comm.reverse_comm(pair, width); })
    comm.reverse_comm(pair, width);
  else
    comm.reverse_comm(pair);
}

}    // namespace LAMMPS_NS

#endif
