#pragma once

#include <array>
#include <string>

namespace grapevine {

/// Compares as versions do.
using ProgramVersion = std::array<int, 3>;

/// The first three numbers of e.g. "0.11.0.dev0". Throws Error, starting with `where`, for anything else.
ProgramVersion parse_version(const std::string& text, const std::string& program, const std::string& where);

}  // namespace grapevine
