#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "training/options/options.hpp"

namespace grapevine {

/// Reads the options of a training from a TOML file; what it does not say stays at its default. Relative paths are
/// relative to the file's folder. Throws Error with file and line for what is not TOML, a key that is not known, and a
/// value of the wrong type or out of range. Whether the options fit together is check_options()'s to say. Defaults are
/// those of the architecture that the file names, or of `architecture` if that is not empty, which goes before it.
TrainingOptions read_config(const std::filesystem::path& path, const std::string& architecture = "");

/// The same from text in memory; `name` stands for the file in messages, `folder` is put before relative paths.
TrainingOptions parse_config(std::string_view text, const std::string& name, const std::filesystem::path& folder,
                             const std::string& architecture = "");

/// A configuration file that lists every option that models of its architecture have, with its meaning and the value
/// that it has in `options`.
std::string commented_config(const TrainingOptions& options = {});

}  // namespace grapevine
