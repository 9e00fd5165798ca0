#include "training/data/structure_weights.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "formats/text/text_numbers.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr double largest_weight = 1e9;

double weight_of(const std::pair<std::string, std::string>& entry) {
  const auto weight = parse_number(entry.second);
  if (!weight || *weight < 0 || *weight > largest_weight)
    throw Error(fmt::format("{}=\"{}\" is not a weight: a number from 0 to {}", entry.first,
                            entry.second.substr(0, 200), largest_weight));
  return *weight;
}

/// The weight under any of the names; 1 if there is none.
double find_weight(const Frame& frame, std::initializer_list<std::string_view> names) {
  const std::pair<std::string, std::string>* found = nullptr;
  for (const auto& entry : frame.info)
    for (const std::string_view name : names) {
      if (!same_word(entry.first, name)) continue;
      if (found != nullptr)
        throw Error(fmt::format("{} and {} are the same weight under two names; keep one", found->first, entry.first));
      found = &entry;
    }
  return found == nullptr ? 1 : weight_of(*found);
}

}  // namespace

StructureWeights find_structure_weights(const Frame& frame) {
  const StructureWeights weights{
      find_weight(frame, {"energy_weight", "config_energy_weight"}),
      find_weight(frame, {"forces_weight", "config_forces_weight"}),
      find_weight(frame, {"virial_weight", "virials_weight", "config_virials_weight", "config_stress_weight"})};
  return weights.scaled(find_weight(frame, {"weight", "config_weight"}));
}

}  // namespace grapevine
