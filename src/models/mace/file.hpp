#pragma once

#include "formats/model_files/model_file.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine::mace {

/// The architecture's name in a model file.
inline constexpr const char* architecture = "mace";

/// Reads the MACE part of a model file (docs/model-file.md). Throws Error, naming the file and the key or tensor, for
/// another architecture, for tensors that are missing, superfluous or of the wrong shape, and for whatever check()
/// refuses.
Parameters read_parameters(const TensorFile& file);

/// The contents of a model file of these parameters, with a part for every pair of irreps that transform alike in each
/// equivariant linear map: those that are not there are written as zeros. Throws Error if check() does.
FileContents file_contents(const Parameters& parameters, const Provenance& provenance);

}  // namespace grapevine::mace
