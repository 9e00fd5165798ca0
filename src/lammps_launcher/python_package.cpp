#include "lammps_launcher/python_package.hpp"

#include <optional>
#include <string>
#include <system_error>

#include "lammps_launcher/programs.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> python_in(const fs::path& environment) {
  const fs::path python = environment / "bin" / "python3";
  if (environment.empty() || !is_program(python)) return std::nullopt;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(environment / "lib", error)) {
    if (!entry.path().filename().string().starts_with("python3")) continue;
    for (const char* packages : {"site-packages", "dist-packages"})
      if (fs::is_directory(entry.path() / packages / "grapevine" / "learn", error)) return python;
  }
  return std::nullopt;
}

}  // namespace

fs::path find_python_with_package(const fs::path& executable) {
  if (const auto python = program_from_environment("GRAPEVINE_PYTHON")) return *python;
  for (const fs::path& environment : python_environments(executable))
    if (const auto python = python_in(environment)) return *python;
  if (const auto python = program_on_path("python3"))
    if (const auto found = python_in(python->parent_path().parent_path())) return *found;
  throw Error(
      "the Python package of Grapevine is not installed: run scripts/install_python.sh in the checkout or `pip install "
      ".`, or set GRAPEVINE_PYTHON to a Python that has it");
}

}  // namespace grapevine
