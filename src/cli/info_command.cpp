#include "cli/info_command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/information.hpp"
#include "support/one_line.hpp"

namespace grapevine {
namespace {

using nlohmann::ordered_json;

struct InfoArguments {
  std::string model;
  bool json = false;
};

std::string words(const ordered_json& list) {
  std::vector<std::string> words;
  for (const auto& item : list) words.push_back(item.is_string() ? item.get<std::string>() : item.dump());
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, " "));
}

/// Both may come from the file.
void print_line(const std::string& key, const std::string& value) {
  constexpr std::size_t longest = 4000;
  if (!value.empty()) fmt::print("{:<18} {}\n", one_line(key), one_line(value, longest));
}

/// E.g. "32, block [relu_like norm 32, relu_like norm 32], relu_like": the widths and steps behind the first map.
std::string network_text(const ordered_json& network) {
  std::string text = network.at("width").dump();
  for (const auto& block : network.at("blocks")) {
    std::vector<std::string> steps;
    for (const auto& step : block)
      steps.push_back(fmt::format("{}{} {}", step.at("activation").get<std::string>(),
                                  step.at("layer_norm").get<bool>() ? " norm" : "", step.at("outputs").dump()));
    text += fmt::format(", block [{}]", fmt::join(steps, ", "));
  }
  return text + ", " + network.at("activation").get<std::string>();
}

/// The whole value in one line; a list of lists is only counted.
std::string value_text(const ordered_json& value) {
  if (value.is_string()) return value == "" ? "none" : value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.7g}", value.get<double>());
  if (!value.is_structured()) return value.dump();
  if (value.is_array() && !value.empty() && value.front().is_array()) return fmt::format("{} of them", value.size());
  std::vector<std::string> items;
  for (const auto& item : value.items()) {
    const std::string text = value_text(item.value());
    const std::string inner = item.value().is_object() ? "(" + text + ")" : text;
    items.push_back(value.is_object() ? item.key() + " " + inner : inner);
  }
  return items.empty() ? "none" : fmt::format("{}", fmt::join(items, value.is_object() ? ", " : " "));
}

void print_hyperparameter(const std::string& key, const ordered_json& value) {
  constexpr std::size_t short_text = 80;
  const bool list = value.is_array() && !value.empty() && value.front().is_object();
  if (value.is_object() && value.contains("blocks")) {
    print_line(key + " network", network_text(value));
  } else if (list && (value.front().contains("blocks") || value_text(value).size() > short_text)) {
    for (std::size_t i = 0; i < value.size(); ++i) print_hyperparameter(fmt::format("{} {}", key, i), value[i]);
  } else if (value.is_object() && value_text(value).size() > short_text) {
    fmt::print("{}\n", one_line(key));
    const std::string indent = key.substr(0, key.find_first_not_of(' ')) + "  ";
    for (const auto& item : value.items()) print_hyperparameter(indent + item.key(), item.value());
  } else {
    print_line(key, value_text(value));
  }
}

void print_text(const ordered_json& info) {
  const ordered_json& provenance = info.at("provenance");
  print_line("file", fmt::format("{} ({} bytes)", info.at("file").get<std::string>(), info.at("file_bytes").dump()));
  print_line("file SHA-256", info.at("file_sha256").get<std::string>());
  print_line("architecture", info.at("architecture").get<std::string>());
  print_line("format version", info.at("format_version").get<std::string>());
  print_line("species", words(info.at("species")));
  print_line("cutoff", info.at("cutoff").dump() + " Angstrom");
  print_line("message layers", info.at("layers").dump());
  print_line("message width", words(info.at("message_width")));
  print_line("parameters", info.at("parameters").dump());
  print_line("number types", words(info.at("number_types")));
  for (const auto& item : info.at("hyperparameters").items())
    if (!info.contains(item.key())) print_hyperparameter(item.key(), item.value());
  print_line("source", provenance.at("source").get<std::string>());
  print_line("source kind", provenance.at("source_kind").get<std::string>());
  print_line("source SHA-256", provenance.at("source_sha256").get<std::string>());
  print_line("note", provenance.at("note").get<std::string>());
}

}  // namespace

void add_info_command(CLI::App& app) {
  const auto arguments = std::make_shared<InfoArguments>();
  CLI::App* command = app.add_subcommand("info", "Print what a model file holds: sizes, species, where it came from");
  command->add_option("model", arguments->model, "model file")->required();
  command->add_flag("--json", arguments->json, "print as JSON");
  command->footer("Example:\n  grapevine info models/water.safetensors");
  command->callback([arguments] {
    const ordered_json info = model_information(arguments->model);
    if (arguments->json)
      fmt::print("{}\n", info.dump(2, ' ', true, ordered_json::error_handler_t::replace));
    else
      print_text(info);
  });
}

}  // namespace grapevine
