#pragma once

#include <filesystem>
#include <optional>
#include <vector>

namespace grapevine {

bool is_program(const std::filesystem::path& path);

/// The executable of that name in the first folder of PATH that has one.
std::optional<std::filesystem::path> program_on_path(const char* name);

/// The program that an environment variable names, by path or by a name to be found on PATH. Throws Error if there is
/// no such program.
std::optional<std::filesystem::path> program_from_environment(const char* variable);

/// Python environments that may hold what Grapevine runs, the first that has it counts: the one that `executable` was
/// installed in by pip, `.venv` of the checkout that it was built in, the one recorded when it was compiled. Those that
/// do not apply are empty paths.
std::vector<std::filesystem::path> python_environments(const std::filesystem::path& executable);

}  // namespace grapevine
