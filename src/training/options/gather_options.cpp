#include "training/options/gather_options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "support/error.hpp"
#include "training/options/config.hpp"
#include "training/options/option_table.hpp"

namespace grapevine {

TrainingOptions gather_options(const std::filesystem::path& config, const OptionWords& words) {
  const auto named = words.find("architecture");
  const std::string architecture = named == words.end() || named->second.empty() ? "" : named->second.back();
  TrainingOptions options;
  if (!config.empty())
    options = read_config(config, architecture);
  else if (!architecture.empty())
    options = default_options(architecture);
  const auto& table = training_option_table();
  for (const auto& [name, given] : words) {
    const std::string& flag = name;
    const auto option = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.flag == flag; });
    if (option == table.end())
      throw Error(fmt::format("there is no option --{}; grapevine train --help lists all", flag));
    try {
      set_option_from_words(*option, options, given);
      options.on_command_line.insert(option->name());
    } catch (const Error& error) {
      throw Error(fmt::format("--{} {}", flag, error.what()));
    }
  }
  return options;
}

}  // namespace grapevine
