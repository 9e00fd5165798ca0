#include "structures/reference_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>

#include "formats/text/text_numbers.hpp"
#include "structures/cell.hpp"
#include "structures/result_frame.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::size_t longest_shown = 200;  // letters of a value
constexpr std::array<std::string_view, 4> prefixes{"ref_", "dft_", "reference_", ""};

/// The names to look for, best first: the given one alone, or the usual ones.
std::vector<std::string> candidates(const Frame& frame, const std::string& given,
                                    std::span<const std::string_view> usual) {
  if (!given.empty()) return {given};
  std::vector<std::string> names;
  for (const std::string_view prefix : prefixes) {
    if (prefix.empty() && has_results(frame)) continue;
    for (const std::string_view name : usual) names.push_back(fmt::format("{}{}", prefix, name));
  }
  return names;
}

const std::pair<std::string, std::string>* find_value(const Frame& frame, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    for (const auto& pair : frame.info)
      if (same_word(pair.first, name)) return &pair;
  return nullptr;
}

const Column* find_values(const Frame& frame, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    for (const Column& column : frame.columns)
      if (same_word(column.name, name)) return &column;
  return nullptr;
}

std::vector<double> numbers_of(const std::pair<std::string, std::string>& pair) {
  const auto numbers = parse_number_list(pair.second);
  if (!numbers)
    throw Error(
        fmt::format("{}=\"{}\" is not made of finite numbers", pair.first, pair.second.substr(0, longest_shown)));
  return *numbers;
}

std::optional<double> find_energy(const Frame& frame, const std::string& key) {
  static constexpr std::array<std::string_view, 2> usual{"energy", "free_energy"};
  const auto* pair = find_value(frame, candidates(frame, key, usual));
  if (!pair) return std::nullopt;
  const std::vector<double> numbers = numbers_of(*pair);
  if (numbers.size() != 1) throw Error(fmt::format("{}=\"{}\" is not one number", pair->first, pair->second));
  return numbers[0];
}

std::optional<std::vector<double>> find_forces(const Frame& frame, const std::string& key) {
  static constexpr std::array<std::string_view, 2> usual{"forces", "force"};
  const Column* column = find_values(frame, candidates(frame, key, usual));
  if (!column) return std::nullopt;
  if (column->width != 3)
    throw Error(fmt::format("column {} has {} numbers per atom, not 3", column->name, column->width));
  if (const auto* reals = std::get_if<std::vector<double>>(&column->values)) return *reals;
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&column->values))
    return std::vector<double>(integers->begin(), integers->end());
  if (const auto* unread = std::get_if<UnreadColumn>(&column->values)) throw Error(unread->problem);
  throw Error(fmt::format("column {} is not made of numbers", column->name));
}

std::array<double, 9> full_tensor(const std::pair<std::string, std::string>& pair) {
  const std::vector<double> n = numbers_of(pair);
  std::array<double, 9> tensor{};
  if (n.size() == 9)
    std::copy(n.begin(), n.end(), tensor.begin());
  else if (n.size() == 6)
    tensor = {n[0], n[5], n[4], n[5], n[1], n[3], n[4], n[3], n[2]};
  else
    throw Error(
        fmt::format("{} has {} numbers; expected 9, or 6 in the order xx yy zz yz xz xy", pair.first, n.size()));
  return tensor;
}

std::optional<std::array<double, 9>> virial_of_stress(const Frame& frame,
                                                      const std::pair<std::string, std::string>& pair) {
  if (!is_bulk(frame.periodic)) return std::nullopt;
  std::array<double, 9> virial = full_tensor(pair);
  for (double& component : virial) component *= -volume(frame.cell);
  return virial;
}

bool names_stress(std::string_view name) {
  constexpr std::string_view word = "stress";
  for (std::size_t at = 0; at + word.size() <= name.size(); ++at)
    if (same_word(name.substr(at, word.size()), word)) return true;
  return false;
}

void find_virial(const Frame& frame, const std::string& key, ReferenceValues& values) {
  static constexpr std::array<std::string_view, 3> usual{"virial", "virials", "stress"};
  const auto* pair = find_value(frame, candidates(frame, key, usual));
  if (!pair) return;
  values.virial = names_stress(pair->first) ? virial_of_stress(frame, *pair) : full_tensor(*pair);
  values.stress_left_out = !values.virial;
}

}  // namespace

ReferenceValues find_reference_values(const Frame& frame, const ReferenceKeys& keys) {
  ReferenceValues values;
  values.energy = find_energy(frame, keys.energy);
  values.forces = find_forces(frame, keys.forces);
  find_virial(frame, keys.virial, values);
  return values;
}

}  // namespace grapevine
