#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace grapevine {

/// Parses JSON from an untrusted file. Throws Error, starting with `where`, for text that is not JSON, for a key given
/// twice in one object, and for nesting deeper than `max_depth`.
nlohmann::json parse_strict_json(std::string_view text, const std::string& where, int max_depth);

}  // namespace grapevine
