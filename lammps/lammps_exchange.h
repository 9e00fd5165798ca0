// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAMMPS_EXCHANGE_H
#define GRAPEVINE_LAMMPS_EXCHANGE_H

#include "engine/exchange.hpp"

#include <lammps/comm.h>
#include <lammps/lammps.h>

#include "halo_comm.h"
#include "message_packer.h"

namespace LAMMPS_NS {

/// Exchange by LAMMPS's own halo communication of a pair style: works with every comm_style LAMMPS has, and moves
/// every ghost, those beyond the cutoff but within the skin included.
template <class Real> class LammpsExchange final : public grapevine::Exchange<Real>, public MessagePacker {
 public:
  LammpsExchange(LAMMPS *lmp, Pair *pair) : lmp_(lmp), pair_(pair) {}

  void gather_begin(grapevine::Field<Real> field) override
  {
    field_ = field;
    forward_comm(*lmp_->comm, pair_, field.width);
    this->tally_.gathers++;
  }
  void gather_end() override {}

  void scatter_add_begin(grapevine::Field<Real> field) override
  {
    field_ = field;
    reverse_comm(*lmp_->comm, pair_, field.width);
    this->tally_.scatters++;
  }
  void scatter_add_end() override {}

  int pack_forward(int n, const int *list, double *buf) override
  {
    int m = 0;
    for (int i = 0; i < n; i++)
      for (int k = 0; k < field_.width; k++) buf[m++] = field_.row(list[i])[k];
    this->tally_.messages++;    // copies to the rank itself included
    return m;
  }

  void unpack_forward(int n, int first, const double *buf) override
  {
    for (int i = first; i < first + n; i++)
      for (int k = 0; k < field_.width; k++) field_.row(i)[k] = static_cast<Real>(*buf++);
    this->tally_.gather_atoms += n;
    this->tally_.gather_numbers += static_cast<std::int64_t>(n) * field_.width;
  }

  int pack_reverse(int n, int first, double *buf) override
  {
    int m = 0;
    for (int i = first; i < first + n; i++)
      for (int k = 0; k < field_.width; k++) buf[m++] = field_.row(i)[k];
    this->tally_.scatter_atoms += n;
    this->tally_.scatter_numbers += m;
    this->tally_.messages++;
    return m;
  }

  void unpack_reverse(int n, const int *list, const double *buf) override
  {
    for (int i = 0; i < n; i++)
      for (int k = 0; k < field_.width; k++) field_.row(list[i])[k] += static_cast<Real>(*buf++);
  }

 private:
  LAMMPS *lmp_;    // and not its Comm, which comm_style replaces
  Pair *pair_;
  grapevine::Field<Real> field_;
};

}    // namespace LAMMPS_NS

#endif
