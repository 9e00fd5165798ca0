#pragma once

#include <filesystem>

namespace grapevine {

/// A Python that has the package `grapevine`. The first of these counts: the environment variable GRAPEVINE_PYTHON, the
/// environments of python_environments(), the one of `python3` on PATH. Throws Error saying what to install.
std::filesystem::path find_python_with_package(const std::filesystem::path& executable);

}  // namespace grapevine
