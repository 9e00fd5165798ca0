#pragma once

#include <span>
#include <vector>

#include "engine/evaluator.hpp"
#include "engine/graph.hpp"

namespace grapevine {

/// Slopes of a loss by what a model says of a graph that holds one structure or several.
struct LossSlopes {
  std::vector<double> energy;  ///< [own] by the energy of the atom's structure
  std::vector<double> forces;  ///< [own][3] by the force on the atom
  std::vector<double> virial;  ///< [own][9] by the virial of the atom's structure; empty if it is not in the loss
};

/// What one thread needs to evaluate a model and its gradients, and the sums that it forms.
class GradientWorker {
 public:
  virtual ~GradientWorker() = default;

  /// Energies, forces and virials of a graph without ghosts, with the weights of the moment, on up to `threads`
  /// threads. Throws AtomError.
  virtual void evaluate(const Graph& graph, Output& output, int threads) = 0;

  /// Forgets all sums.
  virtual void clear() = 0;

  /// Adds the gradient of a loss by the weights, given its slopes at the weights of the moment. `helpers`, workers of
  /// the same model, take part on threads of their own; what they compute is in their sums.
  virtual void add_gradient(const Graph& graph, const LossSlopes& slopes, std::span<GradientWorker* const> helpers) = 0;
};

}  // namespace grapevine
