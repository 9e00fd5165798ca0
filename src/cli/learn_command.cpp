#include "cli/learn_command.hpp"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "lammps_launcher/python_package.hpp"
#include "support/child_process.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

struct LearnArguments {
  std::string config;
  std::string folder;
  bool init = false;
  bool dry_run = false;
};

void run_learn(const LearnArguments& arguments) {
  if (arguments.config.empty() && !arguments.init)
    throw Error("learn: the configuration file is missing; grapevine learn --init writes one");
  const auto python = find_python_with_package(std::filesystem::read_symlink("/proc/self/exe"));
  Command command;
  command.words = {python.string(), "-m", "grapevine.learn"};
  if (arguments.init) command.words.emplace_back("--init");
  if (arguments.dry_run) command.words.emplace_back("--dry-run");
  if (!arguments.folder.empty()) command.words.push_back("--folder=" + arguments.folder);
  if (!arguments.config.empty()) command.words.insert(command.words.end(), {"--", arguments.config});
  become(command);
}

constexpr const char* learn_footer = R"(
Each round runs LAMMPS with a committee of models, picks structures on which the models disagree, labels them by an ASE
calculator or a command of yours, and trains the committee again. All that it does is in the folder of the run; killed at
any moment, the same command goes on. The folder has the name of CONFIG without its ending, and stands beside it.

Python is looked for in GRAPEVINE_PYTHON, then in the environment or checkout of this program, then on PATH.

Example:
  grapevine learn --init mine.toml
  grapevine learn --dry-run mine.toml
  grapevine learn mine.toml)";

}  // namespace

void add_learn_command(CLI::App& app) {
  auto* command = app.add_subcommand("learn", "Active learning: explore, select, label and train, in rounds");
  const auto arguments = std::make_shared<LearnArguments>();
  command->add_option("CONFIG", arguments->config, "Configuration file (TOML)");
  command->add_option("-o,--folder", arguments->folder, "Folder of the run, instead of CONFIG without its ending");
  command->add_flag("--init", arguments->init,
                    "Write a configuration file with all options, to CONFIG or standard output, and stop");
  command->add_flag("--dry-run", arguments->dry_run,
                    "Check all that can be checked, tell what would be done, and stop");
  command->footer(learn_footer);
  command->callback([arguments] { run_learn(*arguments); });
}

}  // namespace grapevine
