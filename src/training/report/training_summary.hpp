#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/error_statistics.hpp"
#include "report/parity_plot.hpp"

namespace grapevine {

/// One line of the log of a training.
struct EpochRecord {
  int epoch = 0;
  double seconds = 0;  ///< since the start, over all resumptions
  double learning_rate = 0;
  double train_loss = 0;
  double train_energy = 0;  ///< RMSE, eV/atom; 0 where there is no such reference
  double train_forces = 0;  ///< RMSE, eV/Angstrom
  double train_virial = 0;  ///< RMSE, eV/atom
  double valid_loss = 0;
  double valid_energy = 0;
  double valid_forces = 0;
  double valid_virial = 0;
};

/// A structure the model has trouble with.
struct WorstFrame {
  std::string place;    ///< as in LabelledFrame
  std::string formula;  ///< e.g. Mo53W
  double error = 0;     ///< prediction minus reference: eV/atom, or eV/Angstrom of the worst force component
  int atom = -1;        ///< whose force component that is, from 0; -1 for energies
};

/// How well the finished model does on one set of structures.
struct SetResult {
  std::string name;  ///< train, valid, test or replay, with the file's name
  std::size_t frames = 0;
  std::size_t atoms = 0;
  PotentialErrors errors;
  std::optional<PotentialErrors> errors_before;  ///< of the model that the training started from, where it was judged
  std::vector<ParityPanel> panels;               ///< energy, forces (by species), virial; empty ones are left out
  std::vector<double> energy_errors;             ///< per frame, eV/atom; as the next two: prediction minus reference
  std::vector<double> force_errors;              ///< per component, eV/Angstrom; a sample where there are very many
  std::vector<double> virial_errors;             ///< per component, eV/atom; a sample where there are very many
  std::vector<WorstFrame> worst_energies;        ///< the few frames of the largest errors, largest first
  std::vector<WorstFrame> worst_forces;
};

/// Energy of two atoms alone against their distance, without the energies of the isolated atoms.
struct DimerCurve {
  std::string first, second;      ///< chemical symbols
  std::vector<double> distances;  ///< Angstrom
  std::vector<double> energies;   ///< eV
  std::size_t left_out = 0;       ///< distances at which the energy is not finite
};

/// All that the report of a training shows.
struct TrainingSummary {
  std::string title;                                      ///< the model's name
  std::vector<std::pair<std::string, std::string>> card;  ///< model card: key and value, in order
  std::vector<EpochRecord> epochs;
  std::vector<SetResult> sets;
  std::vector<DimerCurve> dimers;
};

}  // namespace grapevine
