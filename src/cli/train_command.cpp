#include "cli/train_command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "cli/interrupt.hpp"
#include "cli/training_progress.hpp"
#include "engine/model.hpp"
#include "formats/text/text_numbers.hpp"
#include "models/trainable_registry.hpp"
#include "parallel/ranks.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "support/one_line.hpp"
#include "training/options/config.hpp"
#include "training/options/gather_options.hpp"
#include "training/options/option_table.hpp"
#include "training/run/initial_model.hpp"
#include "training/run/output_files.hpp"
#include "training/run/trainer.hpp"

namespace grapevine {
namespace {

struct TrainArguments {
  std::string config;
  bool init = false;
  bool dry_run = false;
  OptionWords words;                        ///< given on the command line
  std::vector<std::string> isolated_atoms;  ///< as Symbol=energy
  std::vector<std::string> type_weights;    ///< as config_type=number
};

void set_isolated_atoms(const std::vector<std::string>& given, TrainingOptions& options) {
  for (const std::string& text : split_at_commas(given)) {
    const std::size_t sign = text.find('=');
    const auto energy = sign == text.npos ? std::nullopt : parse_number(text.substr(sign + 1));
    if (!energy)
      throw Error(fmt::format("--isolated-atom {}: expected an element and its energy in eV, as W=-4.5", text));
    set_isolated_atom(options, text.substr(0, sign), *energy);
  }
}

/// Names of types may have any letters in them, commas and equals signs too.
void set_type_weights(const std::vector<std::string>& given, TrainingOptions& options) {
  for (const std::string& text : given) {
    const std::size_t sign = text.rfind('=');
    const auto weight = sign == text.npos ? std::nullopt : parse_number(text.substr(sign + 1));
    if (!weight) throw Error(fmt::format("--weight {}: expected a config_type and a number, as liquid=2", text));
    set_type_weight(options, text.substr(0, sign), *weight);
  }
}

/// The configuration file, and over it the flags.
TrainingOptions options_of(const TrainArguments& arguments, bool read_file) {
  TrainingOptions options = gather_options(read_file ? arguments.config : "", arguments.words);
  set_isolated_atoms(arguments.isolated_atoms, options);
  set_type_weights(arguments.type_weights, options);
  return options;
}

void make_relative(std::filesystem::path& path, const std::filesystem::path& folder) {
  if (!path.empty()) path = std::filesystem::proximate(std::filesystem::absolute(path), folder);
}

/// Paths of the command line are relative to where one is, those of a file to its folder.
void make_paths_relative(TrainingOptions& options, const std::filesystem::path& folder) {
  for (auto* paths : {&options.data.train, &options.data.valid, &options.data.test, &options.replay.files})
    for (std::filesystem::path& path : *paths) make_relative(path, folder);
  make_relative(options.output, folder);
  make_relative(options.start, folder);
}

void write_config(const TrainArguments& arguments) {
  TrainingOptions options = options_of(arguments, false);
  if (arguments.config.empty()) {
    fmt::print("{}", commented_config(options));
    return;
  }
  std::error_code ignored;
  if (std::filesystem::exists(arguments.config, ignored))
    throw Error(fmt::format("{} exists already; --init writes a new file only", arguments.config));
  make_paths_relative(options, std::filesystem::absolute(arguments.config).parent_path());
  write_text_file(arguments.config, commented_config(options));
}

void rehearse(TrainingOptions options) {
  const std::vector<std::string> species = adopt_start(options);
  print_data_report(read_training_data(options, species).report, options.model.cutoff);
  fmt::print("\nall is well: without --dry-run the training would start\n");
}

std::string stopped_text(const TrainingOptions& options, const std::filesystem::path& model) {
  return fmt::format("stopped; {}; the same command with --resume{} goes on",
                     model.empty() ? "there is no model yet" : "the best model so far is " + model.string(),
                     options.overwrite ? " instead of --overwrite" : "");
}

void run_training(const TrainingOptions& options) {
  const InterruptGuard guard;
  bool speaks = true;
  std::filesystem::path model;
  run_on_ranks(
      [&](Ranks& ranks) {
        speaks = ranks.rank() == 0;
        TrainingProgress progress(options.model.cutoff, guard);
        train(options, progress, ranks);
        model = progress.model();
      },
      [](const std::string& problem) { fmt::print(stderr, "grapevine: error: {}\n", one_line(problem)); });
  if (speaks && guard.requested()) fmt::print(stderr, "grapevine: {}\n", stopped_text(options, model));
}

void run_train(const TrainArguments& arguments) {
  if (arguments.init) {
    write_config(arguments);
    return;
  }
  const TrainingOptions options = options_of(arguments, true);
  check_options(options);
  check_output(options, arguments.config);
  if (arguments.dry_run)
    rehearse(options);
  else
    run_training(options);
}

/// Meaning and default, or the defaults of the architectures that have it, if they differ or not all have it.
std::string help_of(const TrainingOption& option) {
  std::map<std::string, std::vector<std::string>> architectures;  // by default
  bool is_of_all = true;
  for (const std::string& name : trainable_architectures()) {
    is_of_all = is_of_all && option.is_of(name);
    if (!option.is_of(name)) continue;
    std::string value = format_option(option, option.key == "architecture" ? TrainingOptions() : default_options(name));
    std::erase_if(value, [](char c) { return c == '[' || c == ']' || c == '"' || c == ' '; });
    architectures[value].push_back(name);
  }
  if (is_of_all && architectures.size() == 1) {
    const std::string& value = architectures.begin()->first;
    return value.empty() ? option.help : fmt::format("{} [{}]", option.help, value);
  }
  std::vector<std::string> defaults;
  for (const auto& [value, names] : architectures)
    defaults.push_back(fmt::format("{}: {}", fmt::join(names, ", "), value));
  return fmt::format("{} [{}]", option.help, fmt::join(defaults, "; "));
}

CLI::Option* add_flag(CLI::App& command, const TrainingOption& option, OptionWords& all) {
  const std::string names =
      option.key == "output" ? fmt::format("-o,--{}", option.flag) : fmt::format("--{}", option.flag);
  if (option.is_switch())
    return command.add_flag_function(
        fmt::format("{},!--no-{}", names, option.flag),
        [&all, flag = option.flag](std::int64_t count) { all[flag] = {count > 0 ? "true" : "false"}; },
        help_of(option));
  if (option.is_list())
    return command
        .add_option_function<std::vector<std::string>>(
            names, [&all, flag = option.flag](const std::vector<std::string>& words) { all[flag] = words; },
            help_of(option))
        ->allow_extra_args(false)
        ->type_name("LIST");
  return command
      .add_option_function<std::string>(
          names, [&all, flag = option.flag](const std::string& word) { all[flag] = {word}; }, help_of(option))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
      ->type_name("VALUE");
}

constexpr const char* train_footer = R"(
Every option of the configuration file has a flag, which goes first; grapevine train --init writes such a file with all
options and what they mean. Units are eV and Angstrom. Lists are separated by commas; --train, --valid, --test and
--replay may be given several times.

Structures are extended XYZ files, plain or compressed by gzip, with reference values under the names that grapevine
evaluate --help tells; or folders with a file `configuration` in REANN's format.

Example:
  grapevine train --train train.extxyz --test test.extxyz --cutoff 5 -o model.safetensors)";

}  // namespace

void add_train_command(CLI::App& app) {
  auto* command = app.add_subcommand("train", "Fit a potential to energies, forces and virials of structures");
  const auto arguments = std::make_shared<TrainArguments>();
  command->add_option("CONFIG", arguments->config, "Configuration file (TOML)");
  command->add_flag("--init", arguments->init, "Write a configuration file, to CONFIG or standard output, and stop");
  command->add_flag("--dry-run", arguments->dry_run, "Read the data, tell what they hold, check everything and stop");
  for (const TrainingOption& option : training_option_table())
    add_flag(*command, option, arguments->words)->group(option.section.empty() ? "run" : option.section);
  command
      ->add_option("--isolated-atom", arguments->isolated_atoms,
                   "Energies that isolated atoms of the model have exactly, eV, as W=-4.5,Ta=-3.25")
      ->allow_extra_args(false)
      ->type_name("LIST")
      ->group("data");
  command
      ->add_option("--weight", arguments->type_weights,
                   "How much structures of a config_type count in the loss, as liquid=2; may be given several times")
      ->allow_extra_args(false)
      ->type_name("TYPE=NUMBER")
      ->group("loss");
  command->footer(train_footer);
  command->callback([arguments] { run_train(*arguments); });
}

}  // namespace grapevine
