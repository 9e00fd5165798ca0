#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grapevine {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

/// What a comment line of extended XYZ holds.
struct ParsedKeyValues {
  KeyValues pairs;       ///< in order; a key given twice keeps its last value
  bool assigns = false;  ///< whether any key was followed by =
  std::string problem;   ///< why the line is malformed; empty if it is not
};

/// Splits `key=value key="a value" key='...' key=[1, 2] key={1 2} flag` into pairs. Quotes and the outermost brackets
/// are dropped, a backslash makes the next character plain, white space may surround =, a flag has the value T. More
/// than `max_keys` of them are a problem.
ParsedKeyValues parse_key_values(std::string_view line, std::size_t max_keys);

/// `text` as a key or value: quoted where parse_key_values, or ASE, would not read it back otherwise.
std::string quote_value(std::string_view text);

}  // namespace grapevine
