#include "formats/text/extxyz.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <ostream>
#include <span>
#include <string_view>

#include "formats/elements.hpp"
#include "formats/text/key_values.hpp"
#include "formats/text/line_reader.hpp"
#include "formats/text/text_input.hpp"
#include "formats/text/text_numbers.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::size_t most_keys = 10'000;  // of a comment line: each takes far more memory than its letters

/// Whether a frame keeps a column group in `columns`, or what else it fills.
enum class Role { kept, symbols, positions };

struct Property {
  Role role = Role::kept;
  char type = 'S';
  int width = 1;
  std::string name;
};

/// What the comment line says of the atom lines that follow.
struct Layout {
  std::vector<Property> properties;
  std::size_t fields = 0;
  bool given = false;  ///< whether the file has Properties: lines must then have these fields and no more
  std::optional<std::size_t> numbers;  ///< the property that holds atomic numbers, where there are no symbols
};

std::vector<std::string_view> split_at_colons(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == text.npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

Role role_of(const std::string& name, char type, int width) {
  if (type == 'S' && width == 1 && (name == "species" || name == "symbols" || name == "element")) return Role::symbols;
  if (type == 'R' && width == 3 && (name == "pos" || name == "positions")) return Role::positions;
  return Role::kept;
}

Property parse_property(std::string_view name, std::string_view type, std::string_view width,
                        const LineReader& reader) {
  const auto count = parse_integer(width);
  if (name.empty() || type.size() != 1 || !count || *count < 1 || *count > std::numeric_limits<int>::max())
    reader.fail(
        fmt::format("Properties has '{}:{}:{}'; expected name:type:columns such as pos:R:3", name, type, width));
  Property property{Role::kept, type[0], static_cast<int>(*count), std::string(name)};
  property.role = role_of(property.name, property.type, property.width);
  return property;
}

void check_layout(Layout& layout, const LineReader& reader) {
  const auto count = [&](Role role) {
    return std::count_if(layout.properties.begin(), layout.properties.end(),
                         [&](const Property& property) { return property.role == role; });
  };
  if (count(Role::positions) != 1) reader.fail("Properties must have the atoms' positions once, as pos:R:3");
  if (count(Role::symbols) > 1) reader.fail("Properties has the atoms' species more than once");
  for (std::size_t p = 0; p < layout.properties.size(); ++p) {
    const Property& property = layout.properties[p];
    if (property.role == Role::kept && (property.name == "species" || property.name == "pos"))
      reader.fail(fmt::format("Properties must have {} as {}", property.name,
                              property.name == "pos" ? "pos:R:3" : "species:S:1"));
    const bool is_number = property.type == 'I' && property.width == 1;
    if (is_number && (property.name == "Z" || property.name == "numbers")) layout.numbers = p;
  }
  if (count(Role::symbols) == 0 && !layout.numbers)
    reader.fail("Properties must have the atoms' elements, as species:S:1 or Z:I:1");
  if (count(Role::symbols) == 1) layout.numbers.reset();
}

Layout parse_layout(std::string_view text, const LineReader& reader) {
  const std::vector<std::string_view> parts = split_at_colons(text);
  if (parts.size() % 3 != 0) reader.fail(fmt::format("Properties=\"{}\" is not a list of name:type:columns", text));
  Layout layout;
  layout.given = true;
  std::vector<std::string> names;
  for (std::size_t p = 0; p < parts.size(); p += 3) {
    layout.properties.push_back(parse_property(parts[p], parts[p + 1], parts[p + 2], reader));
    layout.fields += static_cast<std::size_t>(layout.properties.back().width);
    names.push_back(layout.properties.back().name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) reader.fail(fmt::format("Properties has '{}' more than once", *twice));
  check_layout(layout, reader);
  return layout;
}

Layout plain_layout() {
  Layout layout;
  layout.properties = {{Role::symbols, 'S', 1, "species"}, {Role::positions, 'R', 3, "pos"}};
  layout.fields = 4;
  return layout;
}

std::array<double, 9> parse_lattice(std::string_view text, const LineReader& reader) {
  const auto values = parse_number_list(text);
  if (!values || (values->size() != 9 && values->size() != 3))
    reader.fail(fmt::format("Lattice=\"{}\" is not 9 numbers (or 3 for a box along the axes)", text));
  std::array<double, 9> cell{};
  if (values->size() == 9)
    std::copy(values->begin(), values->end(), cell.begin());
  else
    for (std::size_t k = 0; k < 3; ++k) cell[4 * k] = (*values)[k];
  return cell;
}

/// T, F, true and so on; 1 and 0, as some programs write masks.
std::optional<bool> parse_flag(std::string_view word) {
  if (word == "1" || word == "0") return word == "1";
  return parse_logical(word);
}

std::array<bool, 3> parse_periodic(std::string_view text, const LineReader& reader) {
  const std::vector<std::string_view> words = split_list(text);
  std::array<bool, 3> periodic{};
  if (words.size() != 1 && words.size() != 3) reader.fail(fmt::format("pbc=\"{}\" is not like \"T T F\"", text));
  for (std::size_t k = 0; k < 3; ++k) {
    const std::string_view word = words[words.size() == 1 ? 0 : k];
    const auto value = parse_flag(word);
    if (!value) reader.fail(fmt::format("pbc=\"{}\" is not like \"T T F\"", text));
    periodic[k] = *value;
  }
  return periodic;
}

/// Fills cell, periodicity and info of `frame` from the comment line and returns the layout of its atom lines.
Layout parse_comment(const std::string& line, const LineReader& reader, Frame& frame) {
  ParsedKeyValues parsed = parse_key_values(line, most_keys);
  if (!parsed.problem.empty() && (line.find("Properties=") != line.npos || line.find("Lattice=") != line.npos))
    reader.fail(parsed.problem);
  if (!parsed.problem.empty() || !parsed.assigns) {
    if (line.find_first_not_of(" \t") != line.npos) frame.info.emplace_back("comment", line);
    return plain_layout();
  }
  std::optional<Layout> layout;
  std::optional<std::array<bool, 3>> periodic;
  for (auto& [key, value] : parsed.pairs) {
    if (same_word(key, "Lattice"))
      frame.cell = parse_lattice(value, reader);
    else if (same_word(key, "Properties"))
      layout = parse_layout(value, reader);
    else if (same_word(key, "pbc"))
      periodic = parse_periodic(value, reader);
    else
      frame.info.emplace_back(std::move(key), std::move(value));
  }
  const bool has_cell = std::any_of(frame.cell.begin(), frame.cell.end(), [](double x) { return x != 0; });
  frame.periodic = periodic.value_or(std::array<bool, 3>{has_cell, has_cell, has_cell});
  return layout ? std::move(*layout) : plain_layout();
}

/// As ASE does: the first letter large, the others small. What does not become an element is a name and stays.
std::string normal_symbol(std::string_view text) {
  std::string symbol(text);
  const auto shift = [](char& c, char first, char last, int by) {
    if (c >= first && c <= last) c = static_cast<char>(c + by);
  };
  shift(symbol[0], 'a', 'z', 'A' - 'a');
  for (std::size_t k = 1; k < symbol.size(); ++k) shift(symbol[k], 'A', 'Z', 'a' - 'A');
  return atomic_number(symbol) > 0 ? symbol : std::string(text);
}

template <class Values>
std::size_t count_of(const Values& values) {
  if constexpr (std::is_same_v<Values, UnreadColumn>)
    return values.words.size();
  else
    return values.size();
}

void append_value(fmt::memory_buffer& out, const Column& column, std::size_t n) {
  std::visit(
      [&](const auto& values) {
        using Values = std::decay_t<decltype(values)>;
        const auto to = std::back_inserter(out);
        if constexpr (std::is_same_v<Values, UnreadColumn>)
          fmt::format_to(to, "{}", values.words[n]);
        else if constexpr (std::is_same_v<Values, std::vector<bool>>)
          fmt::format_to(to, "{}", values[n] ? 'T' : 'F');
        else
          fmt::format_to(to, "{}", values[n]);
      },
      column.values);
}

Column empty_column(const Property& property) {
  Column column{property.name, property.width, {}};
  if (property.type == 'R') column.values = std::vector<double>();
  if (property.type == 'I') column.values = std::vector<std::int64_t>();
  if (property.type == 'S') column.values = std::vector<std::string>();
  if (property.type == 'L') column.values = std::vector<bool>();
  if (std::string_view("RISL").find(property.type) == std::string_view::npos)
    column.values =
        UnreadColumn{property.type,
                     fmt::format("{} is of the unknown type '{}'; expected R, I, S or L", property.name, property.type),
                     {}};
  return column;
}

/// Reads the atom lines of one frame into it.
class AtomLines {
 public:
  AtomLines(const Layout& layout, const LineReader& reader, Frame& frame)
      : layout_(layout), reader_(reader), frame_(frame) {
    for (const Property& property : layout_.properties)
      if (property.role == Role::kept) frame_.columns.push_back(empty_column(property));
  }

  void add(std::string_view line) {
    ++atom_;
    split_fields(line, fields_);
    const bool fits = layout_.given ? fields_.size() == layout_.fields : fields_.size() >= layout_.fields;
    if (!fits)
      reader_.fail(fmt::format("{} columns where {} are expected{}", fields_.size(), layout_.fields,
                               layout_.given ? " by Properties" : ": element x y z"));
    std::size_t at = 0;
    std::size_t column = 0;
    for (std::size_t p = 0; p < layout_.properties.size(); ++p) {
      const Property& property = layout_.properties[p];
      const std::span<const std::string_view> words(fields_.data() + at, static_cast<std::size_t>(property.width));
      if (property.role == Role::symbols)
        frame_.symbols.push_back(normal_symbol(words[0]));
      else if (property.role == Role::positions)
        for (const std::string_view word : words) frame_.positions.push_back(position(word, property));
      else
        add_kept(property, words, frame_.columns[column++]);
      if (layout_.numbers == p) frame_.symbols.push_back(symbol_of(words[0]));
      at += words.size();
    }
  }

 private:
  double position(std::string_view word, const Property& property) const {
    const auto value = parse_number(word);
    if (!value) reader_.fail(not_of_type(word, property, "a finite number"));
    return *value;
  }

  std::string not_of_type(std::string_view word, const Property& property, const char* type) const {
    return fmt::format("'{}' of {} of atom {} is not {}", word.substr(0, 40), property.name, atom_, type);
  }

  std::string symbol_of(std::string_view word) const {
    const std::int64_t number = parse_integer(word).value_or(0);
    const std::string_view symbol = number > 0 && number < 1000 ? element_symbol(static_cast<long>(number)) : "";
    if (symbol.empty())
      reader_.fail(fmt::format("'{}' of atom {} is not the atomic number of an element", word.substr(0, 40), atom_));
    return std::string(symbol);
  }

  /// Values of several types may stand in one column if nothing ever needs them: they are kept as words.
  void add_kept(const Property& property, std::span<const std::string_view> words, Column& column) {
    for (const std::string_view word : words)
      if (!add_word(word, column)) {
        column.values = unread(property, word, column);
        add_word(word, column);
      }
  }

  UnreadColumn unread(const Property& property, std::string_view word, const Column& column) const {
    const char* type = property.type == 'R' ? "a finite number" : property.type == 'I' ? "an integer" : "T or F";
    UnreadColumn result{
        property.type, fmt::format("line {}: {}", reader_.line(), not_of_type(word, property, type)), {}};
    const std::size_t count = std::visit([](const auto& values) { return count_of(values); }, column.values);
    for (std::size_t n = 0; n < count; ++n) {
      fmt::memory_buffer text;
      append_value(text, column, n);
      result.words.push_back(fmt::to_string(text));
    }
    return result;
  }

  /// False if the word is not of the column's type.
  static bool add_word(std::string_view word, Column& column) {
    const auto add = [](auto& values, const auto& value) {
      if (value) values.push_back(*value);
      return value.has_value();
    };
    if (auto* reals = std::get_if<std::vector<double>>(&column.values)) return add(*reals, parse_number(word));
    if (auto* whole = std::get_if<std::vector<std::int64_t>>(&column.values)) return add(*whole, parse_integer(word));
    if (auto* flags = std::get_if<std::vector<bool>>(&column.values)) return add(*flags, parse_flag(word));
    if (auto* unread = std::get_if<UnreadColumn>(&column.values))
      unread->words.emplace_back(word);
    else
      std::get<std::vector<std::string>>(column.values).emplace_back(word);
    return true;
  }

  const Layout& layout_;
  const LineReader& reader_;
  Frame& frame_;
  int atom_ = 0;  // of the line, from 1
  std::vector<std::string_view> fields_;
};

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\v\f\r") == line.npos; }

std::string shortened(const std::string& text) { return text.size() > 40 ? text.substr(0, 40) + "..." : text; }

}  // namespace

const Column* Frame::find_column(const std::string& name) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const Column& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

const std::string* Frame::find_info(const std::string& key) const {
  const auto found = std::find_if(info.begin(), info.end(), [&](const auto& pair) { return pair.first == key; });
  return found == info.end() ? nullptr : &found->second;
}

struct ExtxyzReader::State {
  LineReader lines;
  std::string line;

  State(std::unique_ptr<std::istream> stream, std::string name) : lines(std::move(stream), std::move(name)) {}

  bool skip_blank_lines() {
    while (lines.next(line))
      if (!is_blank(line)) return true;
    return false;
  }

  int atom_count() const {
    std::vector<std::string_view> words;
    split_fields(line, words);
    const auto count = words.size() == 1 ? parse_integer(words[0]) : std::nullopt;
    if (!count) lines.fail(fmt::format("expected a number of atoms, found '{}'", shortened(line)));
    if (*count < 1 || *count > std::numeric_limits<int>::max() / 3)
      lines.fail(fmt::format("a structure of {} atoms cannot be read", *count));
    return static_cast<int>(*count);
  }
};

ExtxyzReader::ExtxyzReader(const std::filesystem::path& path)
    : ExtxyzReader(open_text(path, "an extended XYZ file"), path.string()) {}

ExtxyzReader::ExtxyzReader(std::unique_ptr<std::istream> stream, std::string name)
    : state_(std::make_unique<State>(std::move(stream), std::move(name))) {}

ExtxyzReader::~ExtxyzReader() = default;

std::uint64_t ExtxyzReader::bytes_read() const { return state_->lines.bytes(); }

bool ExtxyzReader::next(Frame& frame) {
  LineReader& lines = state_->lines;
  std::string& line = state_->line;
  frame = Frame();
  if (!state_->skip_blank_lines()) return false;
  frame.line = lines.line();
  const int atoms = state_->atom_count();
  if (!lines.next(line)) lines.fail("the file ends before the comment line");
  const Layout layout = parse_comment(line, lines, frame);
  AtomLines atom_lines(layout, lines, frame);
  for (int i = 0; i < atoms; ++i) {
    if (!lines.next(line))
      lines.fail(
          fmt::format("the file ends after {} of the {} atoms of the structure at line {}", i, atoms, frame.line));
    atom_lines.add(line);
  }
  return true;
}

namespace {

std::string joined(std::span<const double> values) { return fmt::format("{}", fmt::join(values, " ")); }

char type_letter(const Column& column) {
  if (const auto* unread = std::get_if<UnreadColumn>(&column.values)) return unread->type;
  return "RISL"[column.values.index()];
}

void append_header(fmt::memory_buffer& out, const Frame& frame) {
  auto to = std::back_inserter(out);
  if (std::any_of(frame.cell.begin(), frame.cell.end(), [](double x) { return x != 0; }))
    fmt::format_to(to, "Lattice=\"{}\" ", joined(frame.cell));
  std::string properties = "species:S:1:pos:R:3";
  for (const Column& column : frame.columns)
    properties += fmt::format(":{}:{}:{}", column.name, type_letter(column), column.width);
  fmt::format_to(to, "Properties={}", quote_value(properties));
  for (const auto& [key, value] : frame.info) fmt::format_to(to, " {}={}", quote_value(key), quote_value(value));
  const auto flag = [&](std::size_t k) { return frame.periodic[k] ? 'T' : 'F'; };
  fmt::format_to(to, " pbc=\"{} {} {}\"\n", flag(0), flag(1), flag(2));
}

void append_values(fmt::memory_buffer& out, const Column& column, int atom) {
  const std::size_t width = static_cast<std::size_t>(column.width);
  const std::size_t first = static_cast<std::size_t>(atom) * width;
  for (std::size_t k = first; k < first + width; ++k) {
    out.push_back(' ');
    append_value(out, column, k);
  }
}

}  // namespace

void write_extxyz(std::ostream& stream, const Frame& frame) {
  fmt::memory_buffer out;
  fmt::format_to(std::back_inserter(out), "{}\n", frame.atoms());
  append_header(out, frame);
  for (int i = 0; i < frame.atoms(); ++i) {
    const double* position = &frame.positions[3 * static_cast<std::size_t>(i)];
    fmt::format_to(std::back_inserter(out), "{:<2} {} {} {}", frame.symbols[static_cast<std::size_t>(i)], position[0],
                   position[1], position[2]);
    for (const Column& column : frame.columns) append_values(out, column, i);
    out.push_back('\n');
  }
  stream.write(out.data(), static_cast<std::streamsize>(out.size()));
}

}  // namespace grapevine
