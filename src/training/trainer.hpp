#pragma once

#include <filesystem>
#include <vector>

#include "parallel/ranks.hpp"
#include "training/options.hpp"
#include "training/training_data.hpp"
#include "training/training_summary.hpp"

namespace grapevine {

/// What a training tells while it runs. All calls come from the thread that called train().
class TrainingMonitor {
 public:
  virtual ~TrainingMonitor() = default;

  /// Once, when the data are read and checked, before the first epoch.
  virtual void data_read(const DataReport& report) = 0;

  /// Before the first epoch of each model, of `models`, that is trained: `model` counts from 0, `output` is its file.
  /// `epochs_done` is not zero where a checkpoint is gone on from.
  virtual void model_starts(int model, int models, const std::filesystem::path& output, int epochs_done) = 0;

  /// After each epoch of `epochs` in all; `seconds_left` is for the model at hand.
  virtual void epoch_done(const EpochRecord& record, int epochs, double seconds_left) = 0;

  /// When a model and its report are written; what it was judged by, and where the report is.
  virtual void model_done(const std::vector<SetResult>& sets, const std::filesystem::path& report) = 0;

  /// Asked between steps: whether to write a checkpoint and return.
  virtual bool stop_requested() = 0;
};

/// Trains a model, or a committee of them, and writes it to options.output. Expects that check_options() has passed.
/// Collective over `ranks`, which share the work and of which the first writes all files. Throws Error as
/// read_training_data() does, and for files that cannot be written.
void train(const TrainingOptions& options, TrainingMonitor& monitor, Ranks& ranks);

}  // namespace grapevine
