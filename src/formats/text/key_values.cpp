#include "formats/text/key_values.hpp"

#include <map>
#include <optional>

namespace grapevine {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }

  void skip_space() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }

  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// A word up to white space, or up to = where `key`; nothing if a quote or bracket in it is not closed.
  std::optional<std::string> word(bool key) {
    std::string result;
    while (!at_end()) {
      const char c = text_[at_];
      if (is_space(c) || (key && c == '=')) break;
      ++at_;
      if (c == '\\') {
        if (!at_end()) result += text_[at_++];
      } else if (c == '"' || c == '\'') {
        if (!quoted(c, c, result)) return std::nullopt;
      } else if (c == '[' || c == '{') {
        if (!quoted(c, c == '[' ? ']' : '}', result)) return std::nullopt;
      } else {
        result += c;
      }
    }
    return result;
  }

  /// Whether a `key=` follows, so that what is before it ended with an empty value (ASE writes those unquoted).
  bool key_follows() const {
    std::size_t look = at_;
    while (look < text_.size() && !is_space(text_[look]) && std::string_view("=\"'[{").find(text_[look]) == text_.npos)
      ++look;
    return look > at_ && look < text_.size() && text_[look] == '=';
  }

 private:
  bool quoted(char open, char close, std::string& result) {
    int depth = 1;
    while (!at_end()) {
      const char c = text_[at_++];
      if (c == '\\') {
        if (!at_end()) result += text_[at_++];
        continue;
      }
      if (c == close && --depth == 0) return true;
      if (c == open && open != close) ++depth;
      result += c;
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Pairs in the order in which their keys first came; found by name in little time.
class PairList {
 public:
  void set(std::string key, std::string value) {
    const auto [place, is_new] = index_.try_emplace(key, pairs_.size());
    if (is_new)
      pairs_.emplace_back(std::move(key), std::move(value));
    else
      pairs_[place->second].second = std::move(value);
  }
  std::size_t size() const { return pairs_.size(); }
  KeyValues take() { return std::move(pairs_); }

 private:
  KeyValues pairs_;
  std::map<std::string, std::size_t> index_;
};

}  // namespace

ParsedKeyValues parse_key_values(std::string_view line, std::size_t max_keys) {
  ParsedKeyValues parsed;
  PairList pairs;
  Scanner scanner(line);
  for (scanner.skip_space(); !scanner.at_end(); scanner.skip_space()) {
    auto key = scanner.word(true);
    std::optional<std::string> value = "T";
    scanner.skip_space();
    if (scanner.take('=')) {
      parsed.assigns = true;
      const Scanner before = scanner;
      scanner.skip_space();
      const bool spaced = !scanner.at_end() && before.key_follows() != scanner.key_follows();
      value = spaced ? "" : scanner.word(false);
    }
    if (!key || !value)
      parsed.problem = "a quote or bracket is not closed";
    else if (key->empty())
      parsed.problem = "a value without a key before =";
    else if (pairs.size() == max_keys)
      parsed.problem = "more than " + std::to_string(max_keys) + " keys";
    if (!parsed.problem.empty()) break;
    pairs.set(std::move(*key), std::move(*value));
  }
  parsed.pairs = pairs.take();
  return parsed;
}

std::string quote_value(std::string_view text) {
  // ASE joins an empty value with the pair that follows; an empty JSON string it reads right.
  if (text.empty()) return "\"_JSON \\\"\\\"\"";
  if (text.find_first_of(" \t\v\f\r\n\"'{}[]=,\\") == text.npos) return std::string(text);
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace grapevine
