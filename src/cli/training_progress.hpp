#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "training/run/monitor.hpp"

namespace grapevine {

/// Prints what the data of a training hold, on standard output, and warnings on standard error.
void print_data_report(const DataReport& report, double cutoff);

/// Shows how far a training is, on standard error, and how good the model is in the end, on standard output.
class TrainingProgress : public LoggingMonitor {
 public:
  TrainingProgress(double cutoff, const InterruptGuard& guard);

  void data_read(const DataReport& report) override;
  void core_chosen(const std::string& text) override;
  void model_starts(int model, int models, const std::filesystem::path& output, int epochs_done) override;
  void epoch_done(const EpochRecord& record, int epochs, double seconds_left) override;
  void stopped_early(int epoch, int patience) override;
  void model_done(const std::vector<SetResult>& sets, const std::filesystem::path& report) override;
  bool stop_requested() override { return guard_.requested(); }

  /// The file of the best model so far of the training at hand; empty before there is one.
  const std::filesystem::path& model() const { return model_file_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::string text(const EpochRecord& record, int epochs, double seconds_left) const;
  double atoms_per_second() const;

  double cutoff_;
  const InterruptGuard& guard_;
  double atoms_ = 0;  // trained on per epoch
  std::string model_;
  std::filesystem::path output_;
  std::filesystem::path model_file_;
  int epochs_ = 0;  // since start_
  Clock::time_point start_;
  std::optional<Clock::time_point> shown_;
  StatusLine line_;
};

}  // namespace grapevine
