#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/evaluator.hpp"
#include "engine/graph.hpp"
#include "engine/model.hpp"
#include "formats/model_files/model_file.hpp"

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

  /// Energies, forces and virials of a graph without ghosts, with the weights of the moment. Throws AtomError.
  virtual void evaluate(const Graph& graph, Output& output) = 0;

  /// Forgets all sums.
  virtual void clear() = 0;

  /// Adds the gradient of a loss by the weights, given its slopes at the weights of the moment.
  virtual void add_gradient(const Graph& graph, const LossSlopes& slopes) = 0;
};

/// Weights that belong together.
struct ParameterPart {
  std::string name;      ///< e.g. "message.0.Mo.input.weight"
  std::string group;     ///< what --freeze knows it by, e.g. "message"
  std::size_t rows = 0;  ///< of the matrix that the weights are; 1 for those that are none
  std::size_t columns = 0;
  bool decays = false;  ///< weight decay pulls it to zero

  std::size_t count() const { return rows * columns; }
};

/// A potential whose weights can be changed: a flat array of numbers of order one, in parts.
///
/// The gradient of a loss of forces needs derivatives of second order. With the slopes v_i of the loss by the forces
/// held fixed, it is minus the change of the energy's gradient when atoms move along v_i, so that one pass forward and
/// one backward with dual numbers give it, exactly and without a graph of operations.
class Trainable {
 public:
  virtual ~Trainable() = default;

  virtual const std::vector<ParameterPart>& parts() const = 0;
  virtual std::vector<double> weights() const = 0;

  /// Takes new weights, in the order of parts(), on up to `threads` threads. No worker may be at work.
  virtual void set_weights(std::span<const double> weights, int threads) = 0;

  virtual std::unique_ptr<GradientWorker> make_worker() const = 0;

  /// Adds what the workers have summed to `gradient`, in the order of parts(), on up to as many threads as workers.
  virtual void collect(std::span<const std::unique_ptr<GradientWorker>> workers, std::span<double> gradient) const = 0;

  virtual const std::vector<std::string>& species() const = 0;
  virtual double cutoff() const = 0;                      ///< Angstrom
  virtual std::vector<double> energy_shifts() const = 0;  ///< [species] reference energies, eV
  virtual std::shared_ptr<const Potential> potential() const = 0;
  virtual void write(const std::filesystem::path& path, const Provenance& provenance) const = 0;
};

}  // namespace grapevine
