#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "engine/model.hpp"
#include "formats/model_files/model_file.hpp"
#include "models/core/core.hpp"
#include "models/trainable.hpp"
#include "training/core/strength.hpp"

namespace grapevine {

/// What the models of a training have that is not trained.
struct CorePlan {
  std::optional<Core> core;
  std::vector<Approach> approaches;  ///< in which it has to be a barrier
};

/// A trained model with its core.
struct FinishedModel {
  std::optional<Core> core;
  std::shared_ptr<const Potential> potential;
};

FinishedModel finish_model(const Trainable& model, const CorePlan& plan, int threads);

/// Writes it. Throws Error.
FinishedModel write_finished_model(const std::filesystem::path& path, const Trainable& model, const CorePlan& plan,
                                   const Provenance& provenance, int threads);

}  // namespace grapevine
