#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>
#include <sstream>
#include <system_error>

#include "cli/bench_command.hpp"
#include "cli/evaluate_command.hpp"
#include "cli/export_command.hpp"
#include "cli/import_command.hpp"
#include "cli/info_command.hpp"
#include "cli/lammps_command.hpp"
#include "cli/learn_command.hpp"
#include "cli/train_command.hpp"
#include "support/one_line.hpp"
#include "support/standard_output.hpp"

namespace {

int report(const char* message) {
  std::fflush(stdout);
  fmt::print(stderr, "grapevine: error: {}\n", grapevine::one_line(message));
  return 1;
}

/// The words that bring the help of the command that was being read.
std::string help_of(const CLI::App& app) {
  std::string words = app.get_name();
  for (const CLI::App* one = &app; !one->get_subcommands().empty();) {
    one = one->get_subcommands().front();
    words += " " + one->get_name();
  }
  return words + " --help";
}

std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& problem, int argc, char** argv) {
  const bool names_none = argc > 1 && argv[1][0] != '-' && app.get_subcommands().empty();
  if (names_none) return fmt::format("there is no command {}; {} lists all", argv[1], help_of(app));
  return fmt::format("{}; see {}", problem.what(), help_of(app));
}

int run(int argc, char** argv) {
  CLI::App app("Message passing neural network potentials for large-scale molecular dynamics", "grapevine");
  app.set_version_flag("--version", "grapevine " GRAPEVINE_VERSION);
  app.require_subcommand(1);
  grapevine::add_import_command(app);
  grapevine::add_export_command(app);
  grapevine::add_info_command(app);
  grapevine::add_evaluate_command(app);
  grapevine::add_train_command(app);
  grapevine::add_learn_command(app);
  grapevine::add_lammps_command(app);
  grapevine::add_bench_command(app);
  int code = 0;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() != 0) return report(what_is_wrong(app, problem, argc, argv).c_str());
    std::ostringstream text;
    code = app.exit(problem, text, text);
    grapevine::print_text(text.str());
  }
  grapevine::flush_standard_output();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return report("not enough memory");
  } catch (const std::system_error& problem) {
    if (std::ferror(stdout) == 0) return report(problem.what());
    return report(fmt::format("cannot write to standard output: {}", problem.code().message()).c_str());
  } catch (const std::exception& problem) {
    return report(problem.what());
  }
}
