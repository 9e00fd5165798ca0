#include "lammps_launcher/programs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "support/error.hpp"

namespace grapevine {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::optional<fs::path> program_on_path(const char* name) {
  for (const auto& folder : search_path())
    if (is_program(folder / name)) return folder / name;
  return std::nullopt;
}

std::optional<fs::path> program_from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (!value || !*value) return std::nullopt;
  const fs::path named(value);
  auto found = named.has_parent_path() ? std::optional(named) : program_on_path(value);
  if (!found || !is_program(*found))
    throw Error(fmt::format("{}={}: no such program; correct the variable or unset it", variable, value));
  return found;
}

std::vector<fs::path> python_environments(const fs::path& executable) {
  return {package_environment(executable), checkout_environment(executable), GRAPEVINE_RECORDED_ENVIRONMENT};
}

}  // namespace grapevine
