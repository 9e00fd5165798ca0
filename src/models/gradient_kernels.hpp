#pragma once

#include <memory>
#include <span>

#include "models/gradient_worker.hpp"

namespace grapevine {

/// Kernels of an architecture that give gradients of a loss by all numbers of its parameters (see Trainable).
template <class Parameters>
class GradientKernels {
 public:
  virtual ~GradientKernels() = default;

  /// Takes the numbers of parameters of the same sizes, on up to `threads` threads.
  virtual void assign(const Parameters& parameters, int threads) = 0;

  virtual std::unique_ptr<GradientWorker> make_worker() const = 0;

  /// Adds the workers' sums to `gradient`, which has the shapes of the parameters, on as many threads as there are
  /// workers. Changes the workers' sums.
  virtual void collect(std::span<const std::unique_ptr<GradientWorker>> workers, Parameters& gradient) const = 0;
};

}  // namespace grapevine
