#pragma once

#include "parallel/ranks.hpp"
#include "training/options/options.hpp"
#include "training/run/monitor.hpp"

namespace grapevine {

/// Trains a model, or a committee of them, and writes it to options.output. Expects that check_options() and
/// check_output() have passed.
/// Collective over `ranks`, which share the work and of which the first writes all files and tells its monitor; those
/// of the others are only asked whether to stop. Throws Error as read_training_data() does, and for files that cannot
/// be written.
void train(const TrainingOptions& options, TrainingMonitor& monitor, Ranks& ranks);

}  // namespace grapevine
