#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "training/losses/loss.hpp"
#include "training/optimisers/optimiser.hpp"
#include "training/report/training_summary.hpp"
#include "training/run/training_identity.hpp"

namespace grapevine {

/// All that a training needs to go on as if it had never stopped.
struct TrainingState {
  int epoch = 0;             ///< epochs done
  std::size_t step = 0;      ///< steps done of the epoch at hand
  std::int64_t steps = 0;    ///< in all
  double seconds = 0;        ///< spent so far
  double gradient_norm = 0;  ///< running mean; 0 before the first step
  LossSums epoch_sums;       ///< of the steps done of the epoch at hand
  std::vector<double> weights;
  std::vector<double> mean_weights;  ///< their exponential moving average
  std::vector<double> best_weights;
  double best_loss = 0;  ///< of validation
  int best_epoch = 0;    ///< 0: none yet
  Optimiser::Memory optimiser;
  std::vector<EpochRecord> epochs;
};

/// Writes the state of a training, to a temporary and then renamed. Throws Error.
void write_checkpoint(const std::filesystem::path& path, const TrainingState& state, const TrainingIdentity& training);

/// Reads a state for `weights` weights. Throws Error, naming the file, if it is no checkpoint, or one of another
/// training: then with the first thing that differs, be it an option, a file's content, or the split.
TrainingState read_checkpoint(const std::filesystem::path& path, std::size_t weights, const TrainingIdentity& training);

}  // namespace grapevine
