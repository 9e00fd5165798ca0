#include "training/options/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "support/error.hpp"
#include "training/options/option_table.hpp"
#include "training/options/toml_text.hpp"

namespace {

struct BrokenAssumption {};

[[noreturn]] void fail_assumption() { throw BrokenAssumption(); }

}  // namespace

// What malformed text such as "[=]" breaks the parser asserts, or, with NDEBUG, lets the compiler assume.
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : fail_assumption())
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace grapevine {
namespace {

constexpr std::uintmax_t largest_file = 1u << 20;
constexpr int most_dots = 8;  // of a key; those of a training have one
constexpr const char* atoms_section = "isolated_atoms";
constexpr const char* weights_section = "weights";

std::string name_of(const toml::key& key) { return restore_letters(key.str()); }

template <class Member>
std::vector<Member> list_of(const toml::array& array, const char* kind) {
  std::vector<Member> members;
  for (const toml::node& node : array) {
    const auto member = node.value_exact<Member>();
    if (!member) throw Error(fmt::format("must be a list of {}", kind));
    members.push_back(*member);
  }
  return members;
}

std::vector<std::string> texts_of(const toml::array& array) {
  auto members = list_of<std::string>(array, "texts in quotes, or of whole numbers");
  for (std::string& member : members) member = restore_letters(member);
  return members;
}

OptionValue value_of(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return value->get();
  if (const auto* value = node.as_integer()) return value->get();
  if (const auto* value = node.as_floating_point()) return value->get();
  if (const auto* value = node.as_string()) return restore_letters(value->get());
  if (const auto* array = node.as_array()) {
    if (!array->empty() && array->front().is_integer()) return list_of<std::int64_t>(*array, "whole numbers");
    return texts_of(*array);
  }
  throw Error("must be a number, a text in quotes, true or false, or a list");
}

class Reader {
 public:
  Reader(const std::string& name, const std::filesystem::path& folder, const std::string& architecture)
      : name_(name), folder_(folder), architecture_(architecture) {}

  TrainingOptions read(const toml::table& root) {
    const auto named = root["model"]["architecture"].value<std::string>();
    if (architecture_.empty() && named) architecture_ = restore_letters(*named);
    if (!architecture_.empty()) options_ = default_options(architecture_);
    for (const auto& [key, node] : root) {
      const std::string section = name_of(key);
      if (!is_section(section))
        read_option("", key, node);
      else if (!node.is_table())
        fail(key.source(), fmt::format("{} is a table: write [{}]", section, section));
      else
        read_section(section, *node.as_table());
    }
    if (!architecture_.empty()) options_.model.architecture = architecture_;
    return options_;
  }

 private:
  [[noreturn]] void fail(const toml::source_region& where, const std::string& message) const {
    throw Error(fmt::format("{}:{}: {}", name_, where.begin.line, message));
  }

  static bool is_section(const std::string& name) {
    const auto& table = training_option_table();
    return name == atoms_section || name == weights_section ||
           (!name.empty() &&
            std::any_of(table.begin(), table.end(), [&](const auto& option) { return option.section == name; }));
  }

  void read_section(const std::string& section, const toml::table& table) {
    for (const auto& [key, node] : table)
      if (section == atoms_section)
        read_entry(atoms_section, "a number, in eV", set_isolated_atom, key, node);
      else if (section == weights_section)
        read_entry(weights_section, "a number", set_type_weight, key, node);
      else
        read_option(section, key, node);
  }

  /// Of a table whose keys are no options.
  void read_entry(const char* section, const char* kind, void (*set)(TrainingOptions&, const std::string&, double),
                  const toml::key& key, const toml::node& node) {
    const auto value = node.value<double>();
    const std::string name = name_of(key);
    if (!value || !node.is_number()) fail(key.source(), fmt::format("{}.{} must be {}", section, name, kind));
    try {
      set(options_, name, *value);
    } catch (const Error& error) {
      fail(key.source(), fmt::format("{}: {}", section, error.what()));
    }
  }

  void read_option(const std::string& section, const toml::key& key, const toml::node& node) {
    const TrainingOption& option = find(section, key);
    try {
      set_option(option, options_, value_of(node));
    } catch (const Error& error) {
      fail(key.source(), fmt::format("{} {}", option.name(), error.what()));
    }
    std::visit([this](auto* at) { complete(*at); }, option.target(options_));
  }

  const TrainingOption& find(const std::string& section, const toml::key& key) const {
    const auto& table = training_option_table();
    const auto found = std::find_if(table.begin(), table.end(), [&](const TrainingOption& option) {
      return option.section == section && option.key == key.str();
    });
    if (found != table.end()) return *found;
    const auto elsewhere =
        std::find_if(table.begin(), table.end(), [&](const TrainingOption& option) { return option.key == key.str(); });
    const std::string hint = elsewhere == table.end()     ? "grapevine train --init lists all"
                             : elsewhere->section.empty() ? "it belongs above the first [table]"
                                                          : fmt::format("it belongs in [{}]", elsewhere->section);
    fail(key.source(), fmt::format("unknown option '{}'{}; {}", name_of(key),
                                   section.empty() ? "" : fmt::format(" in [{}]", section), hint));
  }

  template <class T>
  void complete(T& value) const {
    if constexpr (std::is_same_v<T, std::filesystem::path>) {
      if (!value.empty()) value = (folder_ / value).lexically_normal();
    } else if constexpr (std::is_same_v<T, std::vector<std::filesystem::path>>) {
      for (std::filesystem::path& path : value) complete(path);
    }
  }

  std::string name_;
  std::filesystem::path folder_;
  std::string architecture_;
  TrainingOptions options_;
};

std::string section_header(const std::string& section) {
  if (section == "loss")
    return "\n# Each weight goes from its first to its last value geometrically over the training.\n[loss]\n";
  return fmt::format("\n[{}]\n", section);
}

std::string isolated_atoms(const TrainingOptions& options) {
  std::string text =
      "\n# Energies that isolated atoms of the model have exactly, eV; those of elements not named are left free.\n"
      "# Example: W = -4.568\n[isolated_atoms]\n";
  for (const auto& [symbol, energy] : options.isolated_atoms) text += fmt::format("{} = {}\n", symbol, energy);
  return text;
}

std::string type_weights(const TrainingOptions& options) {
  std::string text =
      "\n# How much structures count in the loss, by the config_type in their header, besides weights of their own\n"
      "# there. Example: \"liquid\" = 2\n[weights]\n";
  for (const auto& [type, weight] : options.type_weights) text += fmt::format("{} = {}\n", quote_text(type), weight);
  return text;
}

}  // namespace

TrainingOptions parse_config(std::string_view text, const std::string& name, const std::filesystem::path& folder,
                             const std::string& architecture) {
  const std::string ascii = escape_letters(text);
  if (const int line = line_of_deep_key(ascii, most_dots); line > 0)
    throw Error(fmt::format("{}:{}: a key with more than {} dots; grapevine train --init lists all options", name, line,
                            most_dots));
  try {
    return Reader(name, folder, architecture).read(toml::parse(ascii));
  } catch (const toml::parse_error& error) {
    throw Error(fmt::format("{}:{}: {}", name, error.source().begin.line, restore_letters(error.description())));
  } catch (const BrokenAssumption&) {
    throw Error(fmt::format("{}:{}: this is neither a [table] nor key = value", name, line_of_bad_header(text)));
  }
}

TrainingOptions read_config(const std::filesystem::path& path, const std::string& architecture) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw Error(fmt::format("{} is a folder; give a configuration file", path.string()));
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
  std::string text(largest_file + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > largest_file)
    throw Error(fmt::format("{} is larger than 1 MiB; this is not a configuration of a training", path.string()));
  return parse_config(text, path.string(), path.parent_path(), architecture);
}

std::string commented_config(const TrainingOptions& options) {
  std::string text =
      "# Configuration of `grapevine train`. Every option is here; unless changed, it has its default. What the\n"
      "# command line says goes first. Units are eV and Angstrom. Relative paths are relative to this file.\n\n";
  std::string section;
  for (const TrainingOption& option : training_option_table()) {
    if (!option.is_of(options.model.architecture)) continue;
    if (option.section != section) text += section_header(option.section);
    section = option.section;
    text += fmt::format("# {}\n{} = {}\n", option.help, option.key, format_option(option, options));
  }
  return text + isolated_atoms(options) + type_weights(options);
}

}  // namespace grapevine
