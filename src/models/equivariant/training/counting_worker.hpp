#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "models/gradient_worker.hpp"

namespace grapevine::equivariant {

/// A worker that also sums the slopes of the loss by the energy of atoms of each species.
class CountingWorker final : public GradientWorker {
 public:
  CountingWorker(std::unique_ptr<GradientWorker> worker, std::size_t species)
      : worker_(std::move(worker)), slopes_(species, 0.0) {}

  void evaluate(const Graph& graph, Output& output, int threads) override { worker_->evaluate(graph, output, threads); }

  void clear() override {
    worker_->clear();
    std::fill(slopes_.begin(), slopes_.end(), 0.0);
  }

  void add_gradient(const Graph& graph, const LossSlopes& slopes, std::span<GradientWorker* const> helpers) override {
    std::vector<GradientWorker*> inner;
    for (GradientWorker* helper : helpers) inner.push_back(static_cast<CountingWorker*>(helper)->worker_.get());
    worker_->add_gradient(graph, slopes, inner);
    for (std::size_t i = 0; i < slopes.energy.size(); ++i)
      slopes_[static_cast<std::size_t>(graph.species()[i])] += slopes.energy[i];
  }

  const std::vector<double>& slopes() const { return slopes_; }

  /// The worker inside, which is to be given back.
  std::unique_ptr<GradientWorker> release() { return std::move(worker_); }
  void take(std::unique_ptr<GradientWorker> worker) { worker_ = std::move(worker); }

 private:
  std::unique_ptr<GradientWorker> worker_;
  std::vector<double> slopes_;
};

}  // namespace grapevine::equivariant
