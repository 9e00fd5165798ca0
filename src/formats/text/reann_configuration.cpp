#include "formats/text/reann_configuration.hpp"

#include <fmt/format.h>

#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/text/line_reader.hpp"
#include "formats/text/text_input.hpp"
#include "formats/text/text_numbers.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::size_t fields_without_forces = 5;
constexpr std::size_t fields_with_forces = 8;
constexpr int lines_before_pbc = 4;

std::string first_word(const std::string& line) {
  std::vector<std::string_view> words;
  split_fields(line, words);
  return words.empty() ? "" : std::string(words[0]);
}

}  // namespace

bool is_reann_configuration(const std::filesystem::path& path) {
  std::error_code problem;
  if (!std::filesystem::is_regular_file(path, problem)) return false;
  LineReader lines(open_text(path, "the file configuration in it"), path.string());
  std::string line;
  for (int n = 0; n < lines_before_pbc; ++n)
    if (!lines.next(line)) return false;
  return lines.next(line) && first_word(line) == "pbc";
}

struct ReannConfigurationReader::State {
  LineReader lines;
  std::string line;
  std::vector<std::string_view> words;  // of the line

  State(std::unique_ptr<std::istream> stream, std::string name) : lines(std::move(stream), std::move(name)) {}

  bool next_comment() {
    while (lines.next(line)) {
      split_fields(line, words);
      if (!words.empty()) return true;
    }
    return false;
  }

  void next_line(const char* expected) {
    if (!lines.next(line)) lines.fail(fmt::format("the file ends where {} should follow", expected));
    split_fields(line, words);
  }

  double number(std::string_view word, const char* what) const {
    const auto value = parse_number(word);
    if (!value) lines.fail(fmt::format("'{}' of the {} is not a finite number", word.substr(0, 40), what));
    return *value;
  }

  void read_cell(Frame& frame) {
    for (std::size_t k = 0; k < 3; ++k) {
      next_line("three cell vectors");
      if (words.size() != 3)
        lines.fail(fmt::format("{} columns where a cell vector has 3; expected REANN's format", words.size()));
      for (std::size_t x = 0; x < 3; ++x) frame.cell[3 * k + x] = number(words[x], "cell vector");
    }
  }

  void read_periodicity(Frame& frame) {
    next_line("pbc");
    if (words.size() != 4 || words[0] != "pbc") lines.fail("expected a line like: pbc 1 1 1");
    for (std::size_t k = 0; k < 3; ++k) {
      const double value = number(words[k + 1], "pbc");
      if (value != 0 && value != 1) lines.fail(fmt::format("'{}' of pbc is not 0 or 1", words[k + 1]));
      frame.periodic[k] = value == 1;
    }
  }

  void add_atom(Frame& frame, std::vector<double>& forces) {
    if (words.size() != fields_without_forces && words.size() != fields_with_forces)
      lines.fail(
          fmt::format("{} columns where an atom has 5 or 8: element mass x y z, and perhaps fx fy fz", words.size()));
    const bool first = frame.symbols.empty();
    if (!first && (words.size() == fields_with_forces) != !forces.empty())
      lines.fail("some atoms of this structure have forces and some have none");
    frame.symbols.emplace_back(words[0]);
    number(words[1], "mass");
    for (std::size_t x = 0; x < 3; ++x) frame.positions.push_back(number(words[2 + x], "coordinates"));
    for (std::size_t f = fields_without_forces; f < words.size(); ++f) forces.push_back(number(words[f], "forces"));
  }

  void read_atoms(Frame& frame) {
    std::vector<double> forces;
    while (true) {
      next_line("an atom or abprop:");
      if (words.empty()) lines.fail("an empty line where an atom or abprop: should be");
      if (words[0] == "abprop:") break;
      add_atom(frame, forces);
    }
    if (frame.symbols.empty()) lines.fail("a structure without atoms");
    if (!forces.empty()) frame.columns.push_back({"forces", 3, std::move(forces)});
  }

  void read_properties(Frame& frame) {
    if (words.size() < 2) lines.fail("abprop: has no number; expected the energy");
    for (std::size_t w = 1; w < words.size(); ++w) number(words[w], "abprop");
    frame.info.emplace_back("energy", words[1]);
    if (words.size() == 2) return;
    std::string others(words[2]);
    for (std::size_t w = 3; w < words.size(); ++w) others.append(" ").append(words[w]);
    frame.info.emplace_back("abprop", std::move(others));
  }
};

ReannConfigurationReader::ReannConfigurationReader(const std::filesystem::path& path)
    : ReannConfigurationReader(open_text(path, "the file configuration in it"), path.string()) {}

ReannConfigurationReader::ReannConfigurationReader(std::unique_ptr<std::istream> stream, std::string name)
    : state_(std::make_unique<State>(std::move(stream), std::move(name))) {}

ReannConfigurationReader::~ReannConfigurationReader() = default;

bool ReannConfigurationReader::next(Frame& frame) {
  frame = Frame();
  if (!state_->next_comment()) return false;
  frame.line = state_->lines.line();
  state_->read_cell(frame);
  state_->read_periodicity(frame);
  state_->read_atoms(frame);
  state_->read_properties(frame);
  return true;
}

void make_cartesian(Frame& frame) {
  for (std::size_t i = 0; i < frame.symbols.size(); ++i) {
    const double f[3] = {frame.positions[3 * i], frame.positions[3 * i + 1], frame.positions[3 * i + 2]};
    for (std::size_t x = 0; x < 3; ++x)
      frame.positions[3 * i + x] = f[0] * frame.cell[x] + f[1] * frame.cell[3 + x] + f[2] * frame.cell[6 + x];
  }
}

}  // namespace grapevine
