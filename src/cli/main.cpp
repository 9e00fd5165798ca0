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
    if (problem.get_exit_code() != 0) return report(fmt::format("{}; see grapevine --help", problem.what()).c_str());
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
