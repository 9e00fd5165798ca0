#pragma once

#include <string_view>

namespace grapevine {

/// What a file is that starts with these bytes, e.g. "an ASE trajectory"; empty for text and for what is not known. 16
/// bytes are enough.
std::string_view known_format(std::string_view start);

inline constexpr std::string_view safetensors_format = "a safetensors file, which holds a model and no structures";
inline constexpr std::string_view zip_format = "a zip archive, as PyTorch writes for checkpoints and models";
inline constexpr std::string_view pickle_format = "a pickle, as old versions of PyTorch write for checkpoints";

}  // namespace grapevine
