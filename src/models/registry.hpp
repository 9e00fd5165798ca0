#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "engine/model.hpp"
#include "formats/model_files/safetensors.hpp"

namespace grapevine {

/// Makes a potential from a model file, whatever its architecture. Throws Error naming the file if it is not a
/// Grapevine model, or its architecture or format version is not known, or its contents do not fit together.
std::shared_ptr<const Potential> make_potential(const TensorFile& file);

/// A potential, and what tells its file from others.
struct LoadedModel {
  std::shared_ptr<const Potential> potential;
  std::string architecture;
  std::string sha256;  ///< of the bytes that were read, as `sha256sum` prints it
};

/// Reads a model file. Throws Error.
LoadedModel load_model(const std::filesystem::path& path);

/// Reads a model file and makes its potential. Throws Error.
std::shared_ptr<const Potential> load_potential(const std::filesystem::path& path);

}  // namespace grapevine
