#pragma once

#include <filesystem>

#include "formats/model_files/model_file.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// The architecture's name in a model file.
inline constexpr const char* architecture = "reann";

using grapevine::FileContents;

/// Reads the REANN part of a model file (docs/model-file.md). Throws Error, naming the file and the key or tensor, for
/// another architecture, for tensors that are missing, superfluous or of the wrong shape, and for whatever check()
/// refuses.
Parameters read_parameters(const TensorFile& file);

/// The contents of a model file of these parameters. Throws Error if check() does, or if networks of one layer differ
/// in structure from species to species, which the format cannot say.
FileContents file_contents(const Parameters& parameters, const Provenance& provenance);

/// file_contents, written to `path`.
void write_model(const std::filesystem::path& path, const Parameters& parameters, const Provenance& provenance);

}  // namespace grapevine::reann
