#pragma once

#include <filesystem>
#include <span>

namespace grapevine {

/// Throws Error if `output` is one of `inputs`, by whatever name or link: writing it would replace what is read.
/// Inputs that are empty or missing are passed over.
void check_not_input(const std::filesystem::path& output, std::span<const std::filesystem::path> inputs);

/// Throws Error if any file in `folder`, however deep, is one of `inputs`.
void check_no_input_in(const std::filesystem::path& folder, std::span<const std::filesystem::path> inputs);

/// Throws Error if two of `outputs` are the same file; those that are empty are passed over.
void check_different(std::span<const std::filesystem::path> outputs);

/// The file that `path` stands for: what a symbolic link points to in the end, whether that exists or not. Throws Error
/// for links that go round in a circle.
std::filesystem::path link_target(const std::filesystem::path& path);

}  // namespace grapevine
