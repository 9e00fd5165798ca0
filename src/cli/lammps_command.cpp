#include "cli/lammps_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "cli/lammps_installation.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr int max_ranks = 1 << 20;

struct LammpsArguments {
  int ranks = 1;
  std::vector<std::string> passed_on;
};

int parse_ranks(const std::string& text) {
  int ranks = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, ranks);
  if (error != std::errc() || stop != end || ranks < 1 || ranks > max_ranks)
    throw Error(fmt::format("-np {}: the number of ranks has to be a whole number of at least 1", text));
  return ranks;
}

/// CLI11 knows no `-np`, a single dash with two letters, so it is picked out here; the rest is LAMMPS's.
LammpsArguments split_arguments(const std::vector<std::string>& arguments) {
  LammpsArguments result;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] != "-np") {
      result.passed_on.push_back(arguments[i]);
      continue;
    }
    if (++i == arguments.size()) throw Error("-np: the number of ranks is missing, e.g. -np 2");
    result.ranks = parse_ranks(arguments[i]);
  }
  return result;
}

struct Variable {
  std::string name;
  std::string value;
};

Variable prepended(const char* name, const std::filesystem::path& folder) {
  const char* old = std::getenv(name);
  return {name, old && *old ? fmt::format("{}:{}", folder.string(), old) : folder.string()};
}

std::vector<Variable> environment_for(const LammpsInstallation& lammps) {
  std::vector<Variable> variables{prepended("LAMMPS_PLUGIN_PATH", lammps.plugin.parent_path())};
  if (!lammps.libraries.empty()) variables.push_back(prepended("LD_LIBRARY_PATH", lammps.libraries));
  if (!lammps.potentials.empty() && !std::getenv("LAMMPS_POTENTIALS"))
    variables.push_back({"LAMMPS_POTENTIALS", lammps.potentials.string()});
  // One thread per rank: ranks times cores threads would fight for the cores.
  if (!std::getenv("OMP_NUM_THREADS")) variables.push_back({"OMP_NUM_THREADS", "1"});
  return variables;
}

std::vector<std::string> command_line(const LammpsInstallation& lammps, const LammpsArguments& arguments) {
  std::vector<std::string> words;
  if (arguments.ranks > 1) words = {lammps.mpiexec.string(), "-n", std::to_string(arguments.ranks)};
  words.push_back(lammps.lmp.string());
  words.insert(words.end(), arguments.passed_on.begin(), arguments.passed_on.end());
  return words;
}

std::string shell_quoted(const std::string& word) {
  const auto* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

void print_command(const std::vector<Variable>& variables, const std::vector<std::string>& words) {
  std::string line;
  for (const auto& variable : variables) line += fmt::format("{}={} ", variable.name, shell_quoted(variable.value));
  for (const auto& word : words) line += shell_quoted(word) + " ";
  line.pop_back();
  fmt::print("{}\n", line);
}

[[noreturn]] void become(const std::vector<Variable>& variables, std::vector<std::string> words) {
  for (const auto& variable : variables) ::setenv(variable.name.c_str(), variable.value.c_str(), 1);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  throw Error(fmt::format("{}: cannot be started: {}", words[0], std::strerror(errno)));
}

void run_lammps(const std::vector<std::string>& rest, bool dry_run) {
  const auto arguments = split_arguments(rest);
  const auto lammps = find_lammps(std::filesystem::read_symlink("/proc/self/exe"), arguments.ranks > 1);
  const auto variables = environment_for(lammps);
  const auto words = command_line(lammps, arguments);
  if (dry_run)
    print_command(variables, words);
  else
    become(variables, words);
}

constexpr const char* footer = R"(
Usage: grapevine lammps [--dry-run] [-np N] [LAMMPS arguments]

Options before or among LAMMPS's own:
  -np N                       MPI ranks (default 1)

Every other argument goes to LAMMPS as it is. The exit code is LAMMPS's.

Programs are looked for in GRAPEVINE_LMP and GRAPEVINE_MPIEXEC, then in the checkout's .venv, then on PATH.

Example:
  grapevine lammps -np 2 -in in.silver -log silver.log -var temperature 300)";

}  // namespace

void add_lammps_command(CLI::App& app) {
  auto* command = app.add_subcommand("lammps", "Run LAMMPS with pair_style grapevine loaded");
  command->set_help_flag("--help", "Print this help message and exit");  // -h and -help are LAMMPS's
  command->allow_extras();
  command->footer(footer);
  const auto dry_run = std::make_shared<bool>(false);
  command->add_flag("--dry-run", *dry_run, "Print the command and the environment it would get, run nothing");
  command->callback([command, dry_run] { run_lammps(command->remaining(), *dry_run); });
}

}  // namespace grapevine
