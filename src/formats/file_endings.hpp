#pragma once

#include <filesystem>

namespace grapevine {

/// How the checkpoint of a training ends, whatever its model is called.
constexpr const char* checkpoint_ending = ".checkpoint.safetensors";

/// How its metadata `format` begins; `model` has the file name of its model.
constexpr const char* checkpoint_format = "grapevine training checkpoint";

/// Throws Error if a model is to be written to a file whose ending stands for something else, such as .extxyz: a
/// mistake that would only be found later, by another program. Endings that stand for nothing are right.
void check_model_ending(const std::filesystem::path& output);

/// The same for structures in extended XYZ.
void check_structures_ending(const std::filesystem::path& output);

}  // namespace grapevine
