#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/trainable.hpp"
#include "training/core/finished_model.hpp"
#include "training/data/labelled_frame.hpp"
#include "training/options/options.hpp"
#include "training/report/training_summary.hpp"
#include "training/run/checkpoint.hpp"

namespace grapevine {

/// What a model was trained on and is judged by.
struct JudgedSets {
  std::vector<LabelledFrame> train, valid, test, replay;
  std::optional<SetResult> replay_before;  ///< replay, judged before the training
};

/// Where the best model so far came from, for its file; `data_sha256` is the digest of the files that are trained on.
Provenance provenance_of(const TrainingOptions& options, const TrainingState& state, const std::string& data_sha256);

/// The report of the model in `output`: `model.report.html` beside it.
std::filesystem::path report_path(const std::filesystem::path& output);

/// The folder of its pictures: `model.plots`.
std::filesystem::path plots_path(const std::filesystem::path& output);

/// Judges a finished model and writes its report beside it, and the report's pictures to `model.plots`. Returns what
/// the report shows. Throws Error.
TrainingSummary write_report(const TrainingOptions& options, const std::filesystem::path& output,
                             const Trainable& model, const FinishedModel& finished, const TrainingState& state,
                             const JudgedSets& sets, int threads);

}  // namespace grapevine
