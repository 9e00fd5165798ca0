#pragma once

#include <filesystem>
#include <memory>

#include "engine/model.hpp"
#include "formats/safetensors.hpp"

namespace grapevine {

/// Makes a potential from a model file, whatever its architecture. Throws Error naming the file if it is not a
/// Grapevine model, or its architecture or format version is not known, or its contents do not fit together.
std::shared_ptr<const Potential> make_potential(const TensorFile& file);

/// Reads a model file and makes its potential. Throws Error.
std::shared_ptr<const Potential> load_potential(const std::filesystem::path& path);

}  // namespace grapevine
