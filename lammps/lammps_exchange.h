// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAMMPS_EXCHANGE_H
#define GRAPEVINE_LAMMPS_EXCHANGE_H

#include "engine/exchange.hpp"

#include <lammps/comm.h>
#include <lammps/lammps.h>

namespace LAMMPS_NS {

/// What LAMMPS calls back to fill and empty its messages, whatever the scalar type.
class MessagePacker {
 public:
  virtual ~MessagePacker() = default;
  virtual int pack_forward(int n, const int *list, double *buf) = 0;
  virtual void unpack_forward(int n, int first, const double *buf) = 0;
  virtual int pack_reverse(int n, int first, double *buf) = 0;
  virtual void unpack_reverse(int n, const int *list, const double *buf) = 0;
};

/// Exchange by LAMMPS's own halo communication of a pair style: works with every comm_style LAMMPS has, and moves
/// every ghost, those beyond the cutoff but within the skin included.
template <class Real> class LammpsExchange final : public grapevine::Exchange<Real>, public MessagePacker {
 public:
  LammpsExchange(LAMMPS *lmp, Pair *pair) : lmp_(lmp), pair_(pair) {}

  void gather_begin(Real *field, int width) override
  {
    field_ = field;
    width_ = width;
    lmp_->comm->forward_comm(pair_, width);
    this->tally_.gathers++;
  }
  void gather_end() override {}

  void scatter_add_begin(Real *field, int width) override
  {
    field_ = field;
    width_ = width;
    lmp_->comm->reverse_comm(pair_, width);
    this->tally_.scatters++;
  }
  void scatter_add_end() override {}

  int pack_forward(int n, const int *list, double *buf) override
  {
    int m = 0;
    for (int i = 0; i < n; i++)
      for (int k = 0; k < width_; k++) buf[m++] = row(list[i])[k];
    return m;
  }

  void unpack_forward(int n, int first, const double *buf) override
  {
    for (int i = first; i < first + n; i++)
      for (int k = 0; k < width_; k++) row(i)[k] = static_cast<Real>(*buf++);
    this->tally_.gather_atoms += n;
    this->tally_.gather_numbers += static_cast<std::int64_t>(n) * width_;
  }

  int pack_reverse(int n, int first, double *buf) override
  {
    int m = 0;
    for (int i = first; i < first + n; i++)
      for (int k = 0; k < width_; k++) buf[m++] = row(i)[k];
    this->tally_.scatter_atoms += n;
    this->tally_.scatter_numbers += m;
    return m;
  }

  void unpack_reverse(int n, const int *list, const double *buf) override
  {
    for (int i = 0; i < n; i++)
      for (int k = 0; k < width_; k++) row(list[i])[k] += static_cast<Real>(*buf++);
  }

 private:
  Real *row(int atom) const { return field_ + static_cast<std::size_t>(atom) * width_; }

  LAMMPS *lmp_;    // and not its Comm, which comm_style replaces
  Pair *pair_;
  Real *field_ = nullptr;
  int width_ = 0;
};

}    // namespace LAMMPS_NS

#endif
