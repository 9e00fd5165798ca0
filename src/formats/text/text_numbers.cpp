#include "formats/text/text_numbers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

namespace grapevine {
namespace {

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc{} || stop != end) return std::nullopt;
  return value;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

template <class Separator>
void split(std::string_view text, Separator is_separator, std::vector<std::string_view>& fields) {
  fields.clear();
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    while (at != end && is_separator(*at)) ++at;
    if (at == end) return;
    const char* const start = at;
    while (at != end && !is_separator(*at)) ++at;
    fields.emplace_back(start, static_cast<std::size_t>(at - start));
  }
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_whole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::int64_t> parse_integer(std::string_view text) { return parse_whole<std::int64_t>(text); }

std::optional<bool> parse_logical(std::string_view text) {
  if (same_word(text, "T") || same_word(text, "true")) return true;
  if (same_word(text, "F") || same_word(text, "false")) return false;
  return std::nullopt;
}

void split_fields(std::string_view text, std::vector<std::string_view>& fields) { split(text, is_space, fields); }

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> words;
  split(
      text, [](char c) { return is_space(c) || c == ',' || c == '[' || c == ']' || c == '{' || c == '}'; }, words);
  return words;
}

std::optional<std::vector<double>> parse_number_list(std::string_view text) {
  std::vector<double> values;
  for (const std::string_view word : split_list(text)) {
    const auto value = parse_number(word);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace grapevine
