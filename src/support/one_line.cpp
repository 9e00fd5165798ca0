#include "support/one_line.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace grapevine {
namespace {

/// One character of UTF-8.
struct Letter {
  std::size_t bytes = 1;
  bool shown = false;  ///< whether a terminal shows it as itself
};

bool is_shown(std::uint32_t code) {
  constexpr std::uint32_t first_letter = 0x20, last_ascii = 0x7e, first_beyond_controls = 0xa0;
  if (code < first_letter || (code > last_ascii && code < first_beyond_controls)) return false;
  // Marks, embeddings and isolates that turn the direction of what follows, separators of lines, surrogates.
  const bool turns = code == 0x61c || code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
                     (code >= 0x2066 && code <= 0x2069);
  return !turns && !(code >= 0xd800 && code <= 0xdfff) && code <= 0x10ffff;
}

Letter letter_at(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  const std::size_t bytes = first < 0x80                    ? 1
                            : first >= 0xc2 && first < 0xe0 ? 2
                            : (first & 0xf0u) == 0xe0       ? 3
                            : (first & 0xf8u) == 0xf0       ? 4
                                                            : 0;
  if (bytes == 0 || bytes > text.size()) return {};
  std::uint32_t code = bytes == 1 ? first : first & (0x7fu >> bytes);
  for (std::size_t n = 1; n < bytes; ++n) {
    if ((byte(n) & 0xc0u) != 0x80) return {};
    code = code << 6 | (byte(n) & 0x3fu);
  }
  const bool too_long = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (too_long || !is_shown(code)) return {};
  return {bytes, true};
}

std::string escaped(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const Letter letter = letter_at(text);
    if (letter.shown)
      line += text.substr(0, letter.bytes);
    else if (text[0] == '\n')
      line += "\\n";
    else if (text[0] == '\t')
      line += "\\t";
    else
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(text[0]));
    text.remove_prefix(letter.bytes);
  }
  return line;
}

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0u) == 0x80; }

}  // namespace

std::string one_line(std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return escaped(text);
  std::size_t head = longest * 3 / 4;
  std::size_t tail = text.size() - (longest - head);
  while (head > 0 && continues(text[head])) --head;
  while (tail < text.size() && continues(text[tail])) ++tail;
  return escaped(text.substr(0, head)) + " ... " + escaped(text.substr(tail));
}

}  // namespace grapevine
