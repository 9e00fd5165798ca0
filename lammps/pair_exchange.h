// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_PAIR_EXCHANGE_H
#define GRAPEVINE_PAIR_EXCHANGE_H

#include "exchange/mpi/mpi_exchange.hpp"

#include <memory>
#include <utility>

#include "lammps_exchange.h"

namespace LAMMPS_NS {

/// The exchange that the user chose for a pair style: by a plan of its own, or LAMMPS's.
template <class Real> class PairExchange {
 public:
  PairExchange(LAMMPS *lmp, Pair *pair, bool own) : by_lammps_(lmp, pair), own_(own) {}

  grapevine::Exchange<Real> &exchange()
  {
    if (own_) return by_plan_;
    return by_lammps_;
  }
  /// For the exchange by a plan, whenever the neighbour list is new.
  void set_plan(std::shared_ptr<const grapevine::HaloPlan> plan) { by_plan_.set_plan(std::move(plan)); }
  /// Of the messages that LAMMPS sends for it.
  MessagePacker *packer() { return &by_lammps_; }
  const grapevine::ExchangeTally &tally() const { return own_ ? by_plan_.tally() : by_lammps_.tally(); }
  double bytes() const { return by_plan_.bytes(); }

 private:
  grapevine::MpiExchange<Real> by_plan_;
  LammpsExchange<Real> by_lammps_;
  bool own_;
};

}    // namespace LAMMPS_NS

#endif
