#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <new>

#include "cli/bench_command.hpp"
#include "cli/evaluate_command.hpp"
#include "cli/export_command.hpp"
#include "cli/import_command.hpp"
#include "cli/info_command.hpp"
#include "cli/lammps_command.hpp"
#include "cli/train_command.hpp"

namespace {

int report(const char* message) {
  std::fflush(stdout);
  fmt::print(stderr, "grapevine: error: {}\n", message);
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
  grapevine::add_lammps_command(app);
  grapevine::add_bench_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) return app.exit(problem);
    return report(fmt::format("{}; see grapevine --help", problem.what()).c_str());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return report("not enough memory");
  } catch (const std::exception& problem) {
    return report(problem.what());
  }
}
