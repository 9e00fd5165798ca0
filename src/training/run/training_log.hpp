#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "support/file_lock.hpp"
#include "training/report/training_summary.hpp"

namespace grapevine {

/// Where the log of the training of a model is: `model.safetensors` has it in `model.log.csv`, `run.1` in
/// `run.1.log.csv`.
std::filesystem::path log_path(const std::filesystem::path& output);

/// The log of a training: comma-separated values, a line per epoch, with a header that names columns and units. What
/// there were no references for is empty.
class TrainingLog {
 public:
  /// Starts a new log, or goes on with the one that is there, of which the lines of the first `epochs_kept` epochs
  /// stay: those beyond, of epochs that are done again, are dropped. Throws Error if it cannot be read or written, or
  /// if another training is writing it.
  TrainingLog(std::filesystem::path path, int epochs_kept);

  /// Adds a line, which is on its way to disk when this returns. Throws Error if it cannot be written.
  void add(const EpochRecord& record);

 private:
  std::filesystem::path path_;
  std::optional<FileLock> lock_;
  std::ofstream file_;
};

/// Reads a log; a piece of a line at its end, as a crash leaves it, is passed over. Throws Error with file and line for
/// anything that is not one.
std::vector<EpochRecord> read_training_log(const std::filesystem::path& path);

}  // namespace grapevine
