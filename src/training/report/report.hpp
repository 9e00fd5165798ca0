#pragma once

#include <filesystem>

#include "training/report/training_summary.hpp"

namespace grapevine {

/// Writes what a training has led to as one HTML page that needs nothing beside it: model card, errors of every set and
/// the frames with the largest, learning curves, parity plots, distributions of errors, dimer curves. Sections without
/// data say so. Throws Error if it cannot be written.
void write_training_report(const std::filesystem::path& html, const TrainingSummary& summary);

}  // namespace grapevine
