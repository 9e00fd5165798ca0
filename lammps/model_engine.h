// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_MODEL_ENGINE_H
#define GRAPEVINE_MODEL_ENGINE_H

#include "engine/evaluator.hpp"
#include "engine/heat_flux.hpp"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "pair_exchange.h"

namespace LAMMPS_NS {

/// One model at work in a pair style, in either precision. Energies and forces on one side, heat fluxes on the other
/// have messages of their own.
class ModelEngine {
 public:
  virtual ~ModelEngine() = default;
  /// Not to be called for LAMMPS's own exchange.
  virtual void set_plan(std::shared_ptr<const grapevine::HaloPlan> plan) = 0;
  virtual void evaluate(const grapevine::Graph &, grapevine::Output &) = 0;
  virtual MessagePacker *packer() = 0;
  virtual const grapevine::WorkTally &work() const = 0;
  virtual const grapevine::ExchangeTally &messages() const = 0;

  /// Numbers for each atom in the largest message of a heat flux.
  virtual int flux_width() const = 0;
  /// As the evaluator's; what it needs is made at the first call.
  virtual void evaluate_flux(const grapevine::Graph &, std::span<const double> velocities,
                             const grapevine::HeatFluxTerms &) = 0;
  virtual MessagePacker *flux_packer() = 0;
  virtual const grapevine::ExchangeTally &flux_messages() const = 0;

  virtual double bytes() const = 0;
};

template <class Real> class ModelEngineIn final : public ModelEngine {
 public:
  ModelEngineIn(std::shared_ptr<const grapevine::Model<Real>> model, LAMMPS *lmp, Pair *pair, bool own_exchange) :
      model_(std::move(model)), threads_(lmp->comm->nthreads), evaluator_(model_, threads_),
      exchange_(lmp, pair, own_exchange), flux_exchange_(lmp, pair, own_exchange)
  {
  }
  void set_plan(std::shared_ptr<const grapevine::HaloPlan> plan) override
  {
    flux_exchange_.set_plan(plan);
    exchange_.set_plan(std::move(plan));
  }
  void evaluate(const grapevine::Graph &graph, grapevine::Output &output) override
  {
    evaluator_.evaluate(graph, exchange_.exchange(), output);
  }
  MessagePacker *packer() override { return exchange_.packer(); }
  const grapevine::WorkTally &work() const override { return evaluator_.tally(); }
  const grapevine::ExchangeTally &messages() const override { return exchange_.tally(); }

  int flux_width() const override
  {
    int width = 3;    // velocities
    for (int t = 1; t <= model_->layers(); t++) width = std::max(width, grapevine::jet_size * model_->stride(t));
    return width;
  }
  void evaluate_flux(const grapevine::Graph &graph, std::span<const double> velocities,
                     const grapevine::HeatFluxTerms &terms) override
  {
    if (!flux_) flux_ = std::make_unique<grapevine::HeatFluxEvaluator<Real>>(model_, threads_);
    flux_->evaluate(graph, flux_exchange_.exchange(), velocities, terms);
  }
  MessagePacker *flux_packer() override { return flux_exchange_.packer(); }
  const grapevine::ExchangeTally &flux_messages() const override { return flux_exchange_.tally(); }

  double bytes() const override
  {
    return evaluator_.bytes() + exchange_.bytes() + flux_exchange_.bytes() + (flux_ ? flux_->bytes() : 0.0);
  }

 private:
  std::shared_ptr<const grapevine::Model<Real>> model_;
  int threads_;
  grapevine::Evaluator<Real> evaluator_;
  PairExchange<Real> exchange_;
  PairExchange<Real> flux_exchange_;
  std::unique_ptr<grapevine::HeatFluxEvaluator<Real>> flux_;
};

}    // namespace LAMMPS_NS

#endif
