#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "engine/model.hpp"
#include "formats/model_files/model_file.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/gradient_worker.hpp"
#include "models/model_options.hpp"

namespace grapevine {

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

  virtual std::string title() const = 0;  ///< what people call the architecture, e.g. "REANN"
  virtual std::string sizes() const = 0;  ///< in a few words, for people
  virtual const std::vector<std::string>& species() const = 0;
  virtual double cutoff() const = 0;                      ///< Angstrom
  virtual std::vector<double> energy_shifts() const = 0;  ///< [species] reference energies, eV
  virtual std::shared_ptr<const Potential> potential() const = 0;
  virtual FileContents contents(const Provenance& provenance) const = 0;  ///< of a model file
};

/// What a model is made for before it is trained.
struct TrainingStart {
  ModelOptions options;
  std::vector<std::string> species;              ///< those of the model to go on from first, if there is one
  std::vector<double> energy_shifts;             ///< [species] reference energies, eV
  std::map<std::string, double> isolated_atoms;  ///< eV, that isolated atoms of the model are to have exactly
  const Graph& sample;                           ///< structures from all over the data, for means and variances
  const Graph& structures;         ///< all that are trained on; empty unless there are energies of isolated atoms
  std::span<const int> loneliest;  ///< of each structure and element of those, the atom with the fewest neighbours
  std::uint64_t seed = 0;
  bool in_double = false;  ///< kernels in double precision instead of float
  double force_rms = 1;    ///< eV/Angstrom, of the forces that are trained on; 1 if there are none
};

/// A model from a file, to go on from.
class StartingModel {
 public:
  virtual ~StartingModel() = default;

  virtual const std::vector<std::string>& species() const = 0;
  virtual ModelOptions options() const = 0;
  virtual std::vector<double> energy_shifts() const = 0;  ///< [species] eV

  /// [species] Energies that isolated atoms of the model have exactly, eV, without a value where they are left free;
  /// nothing for a model that can be given none.
  virtual std::optional<std::vector<std::optional<double>>> isolated_atoms() const = 0;

  /// Whether isolated atoms can be given any energies, whatever isolated_atoms() says.
  virtual bool takes_isolated_atoms() const { return false; }

  /// The model with elements added as `start` says, ready to be trained. Throws Error.
  virtual std::unique_ptr<Trainable> go_on(const TrainingStart& start) const = 0;
};

/// What a training does unless it is told otherwise.
struct TrainingDefaults {
  ModelOptions model;
  double learning_rate = 3e-3;
  int batch_frames = 16;
};

/// An architecture whose models can be trained.
class TrainableArchitecture {
 public:
  virtual ~TrainableArchitecture() = default;

  virtual std::vector<std::string> groups() const = 0;  ///< of the ParameterParts of its models

  /// Names of those of ModelOptions that its models have, besides architecture, species and cutoff.
  virtual std::vector<std::string> options() const = 0;
  virtual TrainingDefaults defaults() const = 0;

  /// Throws Error if options that are right each by itself do not fit together.
  virtual void check(const ModelOptions& options) const = 0;

  /// A model of random weights, fitted to the sample. Throws Error for sizes that are not those of a model.
  virtual std::unique_ptr<Trainable> make_new(const TrainingStart& start) const = 0;

  /// Throws Error, naming the file.
  virtual std::unique_ptr<StartingModel> read(const TensorFile& file) const = 0;
};

}  // namespace grapevine
