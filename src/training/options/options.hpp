#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/model_options.hpp"
#include "structures/reference_values.hpp"

namespace grapevine {

/// Where structures with reference values come from: extended XYZ files, or folders in REANN's own format.
struct DataOptions {
  std::vector<std::filesystem::path> train;
  std::vector<std::filesystem::path> valid;  ///< empty: a part of `train` is split off
  std::vector<std::filesystem::path> test;   ///< judged at the end only; may be empty
  ReferenceKeys keys;
  double split = 0.9;  ///< fraction of `train` that is trained on where `valid` is empty
  /// Coordinates in files of REANN's format: cartesian, fractional, or auto: Cartesian unless they look fractional,
  /// which is an error.
  std::string reann_coordinates = "auto";
  bool isolated_atom_frames = false;  ///< structures of one atom alone give that element's reference energy

  bool operator==(const DataOptions&) const = default;
};

/// Weights of energy per atom, forces and virial per atom in the loss. They go from the first to the last value
/// geometrically over the training.
struct LossOptions {
  double energy = 20, energy_end = 100;  ///< of squares of (eV/atom)
  double forces = 1, forces_end = 1;     ///< of squares of (eV/Angstrom)
  double virial = 0, virial_end = 0;     ///< of squares of (eV/atom)
  double huber = 0;  ///< errors beyond so many times their RMS count linearly; 0: squares throughout

  bool operator==(const LossOptions&) const = default;
};

struct OptimiserOptions {
  std::string method = "soap";  ///< or adamw
  int epochs = 200;
  int batch_frames = 16;
  double learning_rate = 3e-3;
  double learning_rate_end = 1e-5;
  double warm_up_epochs = 1;
  double weight_decay = 1e-4;
  double clip = 10;    ///< largest norm of a gradient, in multiples of its running mean; 0: no limit
  int patience = 0;    ///< validations without a better loss after which a training ends; 0: no limit
  double ema = 0.999;  ///< decay per step of the mean of weights that is validated and saved; 0: the weights themselves

  bool operator==(const OptimiserOptions&) const = default;
};

/// Structures of what a model to go on from was trained on, to be trained on beside the new ones, so that it does not
/// forget.
struct ReplayOptions {
  std::vector<std::filesystem::path> files;
  /// Where their reference values come from: own, those of the files, or start, what the model to go on from says.
  std::string labels = "own";
  double weight = 1;  ///< what each counts in the loss, in structures of the new data

  bool operator==(const ReplayOptions&) const = default;
};

struct TrainingOptions {
  DataOptions data;
  ReplayOptions replay;
  ModelOptions model;
  LossOptions loss;
  OptimiserOptions optimiser;
  std::map<std::string, double> isolated_atoms;  ///< energies in eV that isolated atoms of the model have exactly
  std::map<std::string, double> type_weights;    ///< factors of structures in the loss, by their config_type
  std::filesystem::path output;                  ///< the model; checkpoint, log and report stand beside it
  std::filesystem::path start;                   ///< model to go on from; empty: from random weights
  std::vector<std::string> freeze;               ///< groups of ParameterParts whose weights stay
  bool refit_energies = true;                    ///< of a model to go on from: reference energies of its elements
  int low_rank = 0;           ///< of the changes of its matrices, whose vectors stay then; 0: no limit
  std::string core = "auto";  ///< or zbl, none: see choose_core()
  bool resume = false;        ///< go on from the last checkpoint
  bool overwrite = false;     ///< train anew in the place of a training of the same name
  int committee = 1;          ///< models that differ in seed and split
  std::uint64_t seed = 1;
  int threads = 0;                        ///< 0: all cores
  bool in_double = false;                 ///< kernels in double precision instead of float
  std::set<std::string> on_command_line;  ///< names of options that the user typed, whatever their defaults are

  bool operator==(const TrainingOptions&) const = default;
};

}  // namespace grapevine
