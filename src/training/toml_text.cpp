#include "training/toml_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <sstream>

namespace grapevine {
namespace {

bool goes_on_like_a_header(std::string_view line) {
  const std::size_t key = line.find_first_not_of("[ \t");
  if (key == line.npos) return false;
  return std::isalnum(static_cast<unsigned char>(line[key])) != 0 ||
         std::string_view("_-\"'").find(line[key]) != std::string_view::npos;
}

}  // namespace

std::string escape_letters(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.substr(0, byte_order_mark.size()) == byte_order_mark) text.remove_prefix(byte_order_mark.size());
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || c == '%')
      escaped += fmt::format("%{:02X}", byte);
    else
      escaped += c;
  }
  return escaped;
}

std::string restore_letters(std::string_view text) {
  constexpr int hexadecimal = 16;
  std::string restored;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned char byte = 0;
    const char* const digits = text.data() + at + 1;
    const bool is_escape = text[at] == '%' && at + 2 < text.size() &&
                           std::from_chars(digits, digits + 2, byte, hexadecimal).ptr == digits + 2;
    restored += is_escape ? static_cast<char>(byte) : text[at];
    if (is_escape) at += 2;
  }
  return restored;
}

int line_of_bad_header(std::string_view text) {
  std::istringstream stream{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    const std::size_t first = line.find_first_not_of(" \t");
    if (first != line.npos && line[first] == '[' && !goes_on_like_a_header(std::string_view(line).substr(first)))
      return number;
  }
  return std::max(number, 1);
}

}  // namespace grapevine
