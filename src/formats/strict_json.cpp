#include "formats/strict_json.hpp"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "support/error.hpp"

namespace grapevine {

using nlohmann::json;

json parse_strict_json(std::string_view text, const std::string& where, int max_depth) {
  std::vector<std::set<std::string>> keys;
  const auto check_event = [&](int depth, json::parse_event_t event, json& parsed) {
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= max_depth)
      throw Error(fmt::format("{}: JSON nested deeper than {} levels", where, max_depth));
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw Error(fmt::format("{}: the JSON key {} is given twice", where, parsed.dump()));
    return true;
  };
  try {
    return json::parse(text.begin(), text.end(), check_event);
  } catch (const json::parse_error& problem) {
    throw Error(fmt::format("{}: not valid JSON at byte {}", where, problem.byte));
  } catch (const json::exception&) {
    throw Error(fmt::format("{}: not valid JSON", where));
  }
}

}  // namespace grapevine
