#include "importers/program_version.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "formats/text/text_numbers.hpp"
#include "support/error.hpp"

namespace grapevine {

ProgramVersion parse_version(const std::string& text, const std::string& program, const std::string& where) {
  ProgramVersion numbers = {0, 0, 0};
  std::size_t at = 0;
  for (int& number : numbers) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
    const auto value = parse_integer(text.substr(at, end - at));
    if (!value || *value > 9999)
      throw Error(fmt::format("{}: version = '{}' is not a version of {}", where, text.substr(0, 40), program));
    number = static_cast<int>(*value);
    at = std::min(end + 1, text.size());
  }
  return numbers;
}

}  // namespace grapevine
