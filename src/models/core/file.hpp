#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/model_files/model_file.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/core/core.hpp"

namespace grapevine {

/// The core that a model file has, whatever its architecture; its radii are not yet compared with the cutoff. Throws
/// Error, naming file and key.
std::optional<Core> read_core(const TensorFile& file);

/// Puts a core into the hyperparameters of a model of these species.
void add_core(FileContents& contents, const Core& core, const std::vector<std::string>& species);

}  // namespace grapevine
