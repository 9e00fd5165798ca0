#include "cli/lammps_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lammps_launcher/launch.hpp"
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

void run_lammps(const std::vector<std::string>& rest, bool dry_run) {
  const auto arguments = split_arguments(rest);
  const auto lammps = find_lammps(std::filesystem::read_symlink("/proc/self/exe"), arguments.ranks > 1);
  const Command command = lammps_command(lammps, arguments.ranks, arguments.passed_on);
  if (dry_run)
    fmt::print("{}\n", shell_line(command));
  else
    become(command);
}

constexpr const char* lammps_footer = R"(
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
  command->footer(lammps_footer);
  const auto dry_run = std::make_shared<bool>(false);
  command->add_flag("--dry-run", *dry_run, "Print the command and the environment it would get, run nothing");
  command->callback([command, dry_run] { run_lammps(command->remaining(), *dry_run); });
}

}  // namespace grapevine
