#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "training/data/training_data.hpp"
#include "training/report/training_summary.hpp"
#include "training/run/training_log.hpp"

namespace grapevine {

/// What a training tells while it runs. All calls come from the thread that called train().
class TrainingMonitor {
 public:
  virtual ~TrainingMonitor() = default;

  /// Once, when the data are read and checked, before the first epoch.
  virtual void data_read(const DataReport& report) = 0;

  /// Once, when it is decided whether the models have a core (choose_core): a line, or nothing.
  virtual void core_chosen(const std::string& /*text*/) {}

  /// Before the first epoch of each model, of `models`, that is trained: `model` counts from 0, `output` is its file.
  /// `epochs_done` is not zero where a checkpoint is gone on from.
  virtual void model_starts(int model, int models, const std::filesystem::path& output, int epochs_done) = 0;

  /// After each epoch of `epochs` in all; `seconds_left` is for the model at hand.
  virtual void epoch_done(const EpochRecord& record, int epochs, double seconds_left) = 0;

  /// After the last epoch, where it is not that of the options: `patience` validations brought no better loss.
  virtual void stopped_early(int epoch, int patience) = 0;

  /// When a model and its report are written; what it was judged by, and where the report is.
  virtual void model_done(const std::vector<SetResult>& sets, const std::filesystem::path& report) = 0;

  /// Asked between steps: whether to write a checkpoint and return.
  virtual bool stop_requested() = 0;
};

/// Keeps the log beside each model as its epochs end.
class LoggingMonitor : public TrainingMonitor {
 public:
  void model_starts(int model, int models, const std::filesystem::path& output, int epochs_done) override;
  void epoch_done(const EpochRecord& record, int epochs, double seconds_left) override;

 private:
  std::optional<TrainingLog> log_;
};

}  // namespace grapevine
