#pragma once

#include <optional>
#include <span>
#include <vector>

#include "models/core/core.hpp"
#include "models/trainable.hpp"
#include "training/data/labelled_frame.hpp"
#include "training/data/prepared_frame.hpp"
#include "training/options/options.hpp"

namespace grapevine {

/// Structures that a model is not to forget, one by one in both forms.
struct ReplaySet {
  std::vector<LabelledFrame> labelled;
  std::vector<PreparedFrame> frames;
};

/// Gives the structures the reference values that `model`, from which a training starts, is to keep to. With labels of
/// the start they are what the model says itself. Their own, `own`, are at the level of theory of the model in
/// options.start: their energies are shifted as the reference energies of the elements have been since, to whose
/// energies `start_energies` they belong, [species of the start] eV. A core is in the labels, but not in what is
/// trained on.
void label_replay(const TrainingOptions& options, const Trainable& model, std::span<const LabelledFrame> own,
                  std::span<const double> start_energies, const std::optional<Core>& core, ReplaySet& replay,
                  int threads);

}  // namespace grapevine
