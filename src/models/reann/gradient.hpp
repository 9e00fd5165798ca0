#pragma once

#include <memory>
#include <span>

#include "models/reann/parameters.hpp"
#include "models/trainable.hpp"

namespace grapevine::reann {

/// Kernels of REANN that give gradients of a loss by all weights (see Trainable).
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

/// In the best instruction set that this processor has. The parameters must have passed check(), and networks of one
/// layer must not differ in structure from species to species.
template <class Real>
std::unique_ptr<GradientKernels> make_gradient_kernels(const Parameters& parameters);

template <>
std::unique_ptr<GradientKernels> make_gradient_kernels<double>(const Parameters& parameters);
template <>
std::unique_ptr<GradientKernels> make_gradient_kernels<float>(const Parameters& parameters);

}  // namespace grapevine::reann
