#include "structures/result_frame.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "structures/cell.hpp"

namespace grapevine {
namespace {

constexpr const char* mark_key = "evaluated_by";
constexpr const char* mark_value = "grapevine";

constexpr std::array<std::string_view, 10> result_names{"energy",
                                                        "forces",
                                                        "energies",
                                                        "virial",
                                                        "stress",
                                                        "free_energy",
                                                        "grapevine_model",
                                                        "grapevine_model_sha256",
                                                        "grapevine_precision",
                                                        "grapevine_version"};

bool is_result_name(const std::string& name) {
  return std::find(result_names.begin(), result_names.end(), name) != result_names.end();
}

/// Renames entries that stand in the way of results, or drops them if they are results themselves or the reference is
/// there already.
template <class Entry, class NameOf>
void set_aside(std::vector<Entry>& entries, bool are_results, NameOf name_of) {
  const auto has = [&](const std::string& name) {
    return std::any_of(entries.begin(), entries.end(), [&](Entry& entry) { return name_of(entry) == name; });
  };
  std::vector<Entry> kept;
  for (Entry& entry : entries) {
    const bool in_the_way = is_result_name(name_of(entry));
    const std::string reference = "reference_" + name_of(entry);
    if (in_the_way && (are_results || has(reference))) continue;
    kept.push_back(entry);
    if (in_the_way) name_of(kept.back()) = reference;
  }
  entries = std::move(kept);
}

Matrix3 stress_of_virial(const Frame& frame, const Matrix3& virial) {
  Matrix3 stress = along_periodic(virial, frame.cell, frame.periodic);
  for (double& component : stress) component /= -volume(frame.cell);
  return stress;
}

std::string joined(std::span<const double> values) { return fmt::format("{}", fmt::join(values, " ")); }

}  // namespace

std::optional<std::array<double, 9>> stress_of(const Frame& frame, const FrameResult& result) {
  if (!has_stress(frame)) return std::nullopt;
  return stress_of_virial(frame, result.virial);
}

std::vector<double> stresses_of(const Frame& frame, const FrameResult& result) {
  std::vector<double> stresses;
  if (!has_stress(frame)) return stresses;
  stresses.reserve(result.virials.size());
  Matrix3 virial{};
  for (std::size_t n = 0; n < result.virials.size(); n += 9) {
    std::copy_n(&result.virials[n], 9, virial.begin());
    const Matrix3 stress = stress_of_virial(frame, virial);
    stresses.insert(stresses.end(), stress.begin(), stress.end());
  }
  return stresses;
}

bool has_stress(const Frame& frame) {
  const auto& [a, b, c] = frame.periodic;
  return (a || b || c) && has_volume(frame.cell);
}

bool has_results(const Frame& frame) {
  const std::string* mark = frame.find_info(mark_key);
  return mark != nullptr && *mark == mark_value;
}

Frame with_results(Frame frame, const FrameResult& result, const Origin& origin) {
  const bool again = has_results(frame);
  set_aside(frame.info, again, [](std::pair<std::string, std::string>& entry) -> std::string& { return entry.first; });
  set_aside(frame.columns, again, [](Column& column) -> std::string& { return column.name; });
  if (!again) frame.info.emplace_back(mark_key, mark_value);
  frame.info.emplace_back("grapevine_model", origin.model);
  frame.info.emplace_back("grapevine_model_sha256", origin.model_sha256);
  frame.info.emplace_back("grapevine_precision", origin.precision);
  frame.info.emplace_back("grapevine_version", origin.version);
  frame.info.emplace_back("energy", fmt::format("{}", result.energy));
  frame.info.emplace_back("virial", joined(result.virial));
  if (const auto stress = stress_of(frame, result)) frame.info.emplace_back("stress", joined(*stress));
  frame.columns.push_back({"forces", 3, result.forces});
  frame.columns.push_back({"energies", 1, result.energies});
  return frame;
}

}  // namespace grapevine
