#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "training/options/options.hpp"

namespace grapevine {

/// Options of a training as words, by flag (see TrainingOption): what a command line or a script says.
using OptionWords = std::map<std::string, std::vector<std::string>>;

/// The options of `config`, or the defaults if it is empty, and over them those of `words`. Throws Error, naming file
/// and line or the flag, for what is not known or out of range. Whether the options fit together is check_options()'s
/// to say.
TrainingOptions gather_options(const std::filesystem::path& config, const OptionWords& words);

}  // namespace grapevine
