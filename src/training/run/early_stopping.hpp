#pragma once

#include "training/options/options.hpp"
#include "training/run/checkpoint.hpp"

namespace grapevine {

/// Whether the last epochs, as many as the options have patience, brought no better validation loss. Never where there
/// is nothing to validate with: the last epoch counts as the best then.
inline bool is_out_of_patience(const OptimiserOptions& options, const TrainingState& state) {
  return options.patience > 0 && state.best_epoch > 0 && state.epoch - state.best_epoch >= options.patience;
}

}  // namespace grapevine
