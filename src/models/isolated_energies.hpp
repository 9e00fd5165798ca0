#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace grapevine {

/// [species] Energies that isolated atoms are to have exactly, eV, without a value where they are left free.
using IsolatedEnergies = std::vector<std::optional<double>>;

/// In the order of `species`.
inline IsolatedEnergies energies_in_order(const std::map<std::string, double>& energies,
                                          const std::vector<std::string>& species) {
  IsolatedEnergies result;
  for (const std::string& symbol : species) {
    const auto found = energies.find(symbol);
    result.push_back(found == energies.end() ? std::nullopt : std::optional(found->second));
  }
  return result;
}

}  // namespace grapevine
