// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_MODEL_ENGINE_H
#define GRAPEVINE_MODEL_ENGINE_H

#include "engine/evaluator.hpp"

#include <memory>
#include <utility>

#include "pair_exchange.h"

namespace LAMMPS_NS {

/// One model at work in a pair style, in either precision.
class ModelEngine {
 public:
  virtual ~ModelEngine() = default;
  /// Not to be called for LAMMPS's own exchange.
  virtual void set_plan(std::shared_ptr<const grapevine::HaloPlan> plan) = 0;
  virtual void evaluate(const grapevine::Graph &, grapevine::Output &) = 0;
  virtual MessagePacker *packer() = 0;
  virtual const grapevine::WorkTally &work() const = 0;
  virtual const grapevine::ExchangeTally &messages() const = 0;
  virtual double bytes() const = 0;
};

template <class Real> class ModelEngineIn final : public ModelEngine {
 public:
  ModelEngineIn(std::shared_ptr<const grapevine::Model<Real>> model, LAMMPS *lmp, Pair *pair, bool own_exchange) :
      evaluator_(std::move(model), lmp->comm->nthreads), exchange_(lmp, pair, own_exchange)
  {
  }
  void set_plan(std::shared_ptr<const grapevine::HaloPlan> plan) override { exchange_.set_plan(std::move(plan)); }
  void evaluate(const grapevine::Graph &graph, grapevine::Output &output) override
  {
    evaluator_.evaluate(graph, exchange_.exchange(), output);
  }
  MessagePacker *packer() override { return exchange_.packer(); }
  const grapevine::WorkTally &work() const override { return evaluator_.tally(); }
  const grapevine::ExchangeTally &messages() const override { return exchange_.tally(); }
  double bytes() const override { return evaluator_.bytes() + exchange_.bytes(); }

 private:
  grapevine::Evaluator<Real> evaluator_;
  PairExchange<Real> exchange_;
};

}    // namespace LAMMPS_NS

#endif
