#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/trainable.hpp"

namespace grapevine {

/// A method that turns gradients into steps. What it remembers can be taken out and put back, so that a training goes
/// on as if it had never stopped.
class Optimiser {
 public:
  virtual ~Optimiser() = default;

  /// Changes `weights` by one step, down along `gradient`; both are in the order of the parts.
  virtual void step(std::span<double> weights, std::span<const double> gradient, double learning_rate) = 0;

  using Memory = std::vector<std::pair<std::string, std::vector<double>>>;
  virtual Memory memory() const = 0;
  /// Throws Error if `memory` is not of such an optimiser.
  virtual void restore(const Memory& memory) = 0;
};

/// `method` is adamw (Loshchilov and Hutter, arXiv:1711.05101) or soap (Vyas et al., arXiv:2409.11321: Adam in the
/// eigenbasis of Shampoo's preconditioner, for matrices; AdamW for the rest). `weight_decay` is per step and learning
/// rate. Steps use up to `threads` threads; their number changes no bit. Throws Error for another method.
std::unique_ptr<Optimiser> make_optimiser(const std::string& method, const std::vector<ParameterPart>& parts,
                                          double weight_decay, int threads);

}  // namespace grapevine
