#include "formats/text/para_file.hpp"

#include <fmt/format.h>

#include <utility>

#include "formats/mapped_file.hpp"
#include "formats/text/text_numbers.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::size_t max_file_size = 1u << 20;
constexpr int max_depth = 16;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  /// Calls `set(name, value, line)` for every assignment.
  template <class Set>
  void run(const Set& set) {
    while (skip_empty_lines()) {
      const std::size_t line = line_;
      const std::string key = name();
      skip_blanks();
      if (!accept('=')) fail(fmt::format("expected \"=\" after {}", key));
      skip_blanks();
      set(key, value(0), line);
      skip_blanks();
      if (!accept(';') && !at_end() && peek() != '\n' && peek() != '#')
        fail(fmt::format("the value of {} is not a plain number, string, True, False, None or list", key));
    }
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}:{}: {}", name_, line_, what)); }

  bool at_end() const { return position_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[position_]; }
  void advance() {
    if (text_[position_++] == '\n') ++line_;
  }
  bool accept(char c) {
    if (at_end() || text_[position_] != c) return false;
    advance();
    return true;
  }
  void skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\r')) advance();
  }
  void skip_comment() {
    while (!at_end() && peek() != '\n') advance();
  }
  /// Blanks, line ends and comments; false at the end of the text.
  bool skip_empty_lines() {
    while (true) {
      skip_blanks();
      if (peek() == '#')
        skip_comment();
      else if (!accept('\n'))
        return !at_end();
    }
  }

  std::string name() {
    if (!is_name_start(peek())) fail("expected a line of the form name = value");
    const std::size_t begin = position_;
    while (!at_end() && is_name(peek())) advance();
    return std::string(text_.substr(begin, position_ - begin));
  }
  ParaValue value(int depth) {
    if (at_end() || peek() == '\n' || peek() == '#') fail("a value is missing after \"=\"");
    if (peek() == '\'' || peek() == '"') return {string()};
    if (peek() == '[') return {list(']', depth)};
    if (peek() == '(') return {list(')', depth)};
    return word();
  }
  std::string string() {
    const char quote = peek();
    advance();
    const std::size_t begin = position_;
    while (!at_end() && peek() != quote) {
      if (peek() == '\n' || peek() == '\\') fail("a string that is not closed on its line, or has a backslash in it");
      advance();
    }
    if (at_end()) fail("a string is not closed");
    std::string result(text_.substr(begin, position_ - begin));
    advance();
    return result;
  }
  std::vector<ParaValue> list(char closing, int depth) {
    if (depth >= max_depth) fail(fmt::format("lists nested deeper than {} levels", max_depth));
    advance();
    std::vector<ParaValue> items;
    while (true) {
      if (!skip_empty_lines()) fail("a list is not closed");
      if (accept(closing)) return items;
      items.push_back(value(depth + 1));
      if (!skip_empty_lines()) fail("a list is not closed");
      if (!accept(',') && peek() != closing) fail("expected \",\" or the end of the list");
    }
  }
  ParaValue word() {
    const std::size_t begin = position_;
    while (!at_end() && (is_name(peek()) || peek() == '.' || peek() == '+' || peek() == '-')) advance();
    const std::string_view word = text_.substr(begin, position_ - begin);
    if (word == "None") return {std::monostate{}};
    if (word == "True") return {true};
    if (word == "False") return {false};
    if (const auto integer = parse_integer(word)) return {*integer};
    if (const auto real = parse_number(word)) return {*real};
    fail("not a plain number, string, True, False, None or list");
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t position_ = 0;
  std::size_t line_ = 1;
};

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ParaFile ParaFile::read(const std::filesystem::path& folder) {
  ParaFile merged;
  bool any = false;
  for (const char* file : {"input_nn", "input_density"}) {
    const std::filesystem::path path = folder / file;
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) continue;
    any = true;
    ParaFile one = parse(as_text(MappedFile(path).bytes()), path.string());
    for (auto& [key, entry] : one.entries_) merged.entries_.insert_or_assign(key, std::move(entry));
  }
  if (!any)
    throw Error(fmt::format("no input_nn or input_density in {}; --para wants REANN's para folder", folder.string()));
  return merged;
}

ParaFile ParaFile::parse(std::string_view text, const std::string& name) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (text.size() > max_file_size) throw Error(fmt::format("{}: too large for a REANN input file", name));
  ParaFile file;
  Parser(text, name).run([&](const std::string& key, ParaValue value, std::size_t line) {
    file.entries_.insert_or_assign(key, Entry{std::move(value), fmt::format("{}:{}", name, line)});
  });
  return file;
}

const ParaFile::Entry* ParaFile::find(const std::string& key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || std::holds_alternative<std::monostate>(found->second.value.value)) return nullptr;
  return &found->second;
}

std::optional<std::string> ParaFile::text(const std::string& key) const {
  const Entry* found = find(key);
  if (!found) return std::nullopt;
  const auto* text = std::get_if<std::string>(&found->value.value);
  if (!text) throw Error(fmt::format("{}: {} is not a string", found->where, key));
  return *text;
}

std::optional<double> ParaFile::number(const std::string& key) const {
  const Entry* found = find(key);
  if (!found) return std::nullopt;
  const auto& value = found->value.value;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&value)) return *real;
  throw Error(fmt::format("{}: {} is not a number", found->where, key));
}

std::optional<std::vector<std::string>> ParaFile::texts(const std::string& key) const {
  const Entry* found = find(key);
  if (!found) return std::nullopt;
  std::vector<std::string> texts;
  const auto* list = std::get_if<std::vector<ParaValue>>(&found->value.value);
  for (const ParaValue& item : list ? *list : std::vector<ParaValue>()) {
    const auto* text = std::get_if<std::string>(&item.value);
    if (!text) list = nullptr;
    if (!list) break;
    texts.push_back(*text);
  }
  if (!list) throw Error(fmt::format("{}: {} is not a list of strings", found->where, key));
  return texts;
}

const std::string& ParaFile::where(const std::string& key) const { return entries_.at(key).where; }

}  // namespace grapevine
