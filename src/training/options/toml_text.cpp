#include "training/options/toml_text.hpp"

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

/// Walks through TOML and counts the dots of the key it is in; what stands in quotes or comments counts for nothing.
class KeyScanner {
 public:
  explicit KeyScanner(std::string_view text) : text_(text) {}

  /// The line on which a key has more than `most` dots; 0 if there is none.
  int line_of_deep_key(int most) {
    int dots = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      ++at_;
      if (c == '\n') ++line_;
      if (c == '#') at_ = std::min(text_.find('\n', at_), text_.size());
      if (std::string_view("\n=,{}[]").find(c) != std::string_view::npos) dots = 0;
      if (c == '.' && ++dots > most) return line_;
    }
    return 0;
  }

 private:
  /// A string of one line ends with it, closed or not; one in three quotes may have two more before its end.
  void skip_string(char quote) {
    const std::string triple(3, quote);
    const bool is_long = text_.substr(at_, 3) == triple;
    at_ += is_long ? 3 : 1;
    while (at_ < text_.size()) {
      if (is_long ? text_.substr(at_, 3) == triple : text_[at_] == quote) {
        at_ += is_long ? 3 : 1;
        for (int more = 0; is_long && more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) ++at_;
        return;
      }
      if (text_[at_] == '\n' && !is_long) return;
      if (text_[at_] == '\\' && quote == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

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

std::string quote_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < ' ')
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      result += c;
  }
  return result + '"';
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

int line_of_deep_key(std::string_view text, int most_dots) { return KeyScanner(text).line_of_deep_key(most_dots); }

}  // namespace grapevine
