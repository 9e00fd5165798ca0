#include "training/run/monitor.hpp"

namespace grapevine {

void LoggingMonitor::model_starts(int /*model*/, int /*models*/, const std::filesystem::path& output, int epochs_done) {
  log_.emplace(log_path(output), epochs_done);
}

void LoggingMonitor::epoch_done(const EpochRecord& record, int /*epochs*/, double /*seconds_left*/) {
  if (log_) log_->add(record);
}

}  // namespace grapevine
