#include "training/data/reference_energies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>

#include "support/error.hpp"
#include "training/data/dataset.hpp"
#include "training/data/minimum_norm.hpp"

namespace grapevine {
namespace {

std::map<std::string, std::size_t> indices_of(const std::vector<std::string>& species) {
  std::map<std::string, std::size_t> index;
  for (std::size_t s = 0; s < species.size(); ++s) index[species[s]] = s;
  return index;
}

/// Shares of the elements in a structure, and its energy per atom.
struct Composition {
  std::vector<double> shares;
  double energy = 0;
};

Composition composition_of(const LabelledFrame& labelled, const std::map<std::string, std::size_t>& index) {
  Composition composition{std::vector<double>(index.size(), 0.0), 0};
  const double share = 1.0 / labelled.frame.atoms();
  for (const std::string& symbol : labelled.frame.symbols) composition.shares[index.at(symbol)] += 1;
  for (double& value : composition.shares) value *= share;
  composition.energy = *labelled.reference.energy * share;
  return composition;
}

/// Rows of equal composition are one: data sets have few compositions, and many frames of each.
class Equations {
 public:
  void add(const std::vector<double>& shares, double energy) {
    Sum& sum = sums_[shares];
    sum.energy += energy;
    sum.count += 1;
  }

  std::vector<double> solve(std::size_t unknowns) const {
    if (sums_.empty()) return std::vector<double>(unknowns, 0.0);
    std::vector<std::vector<double>> rows;
    std::vector<double> values;
    for (const auto& [shares, sum] : sums_) {
      const double weight = std::sqrt(sum.count);
      rows.push_back(shares);
      for (double& share : rows.back()) share *= weight;
      values.push_back(sum.energy / weight);
    }
    return minimum_norm_least_squares(rows, values);
  }

 private:
  struct Sum {
    double energy = 0;
    double count = 0;
  };
  std::map<std::vector<double>, Sum> sums_;
};

}  // namespace

std::map<std::string, double> isolated_atom_energies(std::span<const LabelledFrame> frames) {
  std::map<std::string, double> energies;
  for (const LabelledFrame& labelled : frames) {
    if (!is_isolated_atom(labelled)) continue;
    const double energy = *labelled.reference.energy;
    const auto [known, is_new] = energies.try_emplace(labelled.frame.symbols[0], energy);
    if (!is_new && std::abs(known->second - energy) > same_energy)
      throw Error(fmt::format("{}: an atom of {} alone has the energy {} eV, another one {} eV; keep the right one",
                              labelled.place, known->first, energy, known->second));
  }
  return energies;
}

std::vector<double> fit_reference_energies(std::span<const LabelledFrame> frames,
                                           const std::vector<std::string>& species,
                                           const std::map<std::string, double>& fixed,
                                           const std::map<std::string, double>& near) {
  const std::map<std::string, std::size_t> index = indices_of(species);
  std::vector<double> energies(species.size(), 0.0);
  std::vector<std::size_t> wanted;
  for (std::size_t s = 0; s < species.size(); ++s) {
    const auto known = fixed.find(species[s]);
    const auto start = near.find(species[s]);
    if (known == fixed.end()) wanted.push_back(s);
    if (start != near.end()) energies[s] = start->second;
    if (known != fixed.end()) energies[s] = known->second;
  }
  Equations equations;
  for (const LabelledFrame& labelled : frames) {
    if (!labelled.reference.energy || labelled.weights_in_loss().energy == 0) continue;
    Composition composition = composition_of(labelled, index);
    for (std::size_t s = 0; s < species.size(); ++s) composition.energy -= composition.shares[s] * energies[s];
    std::vector<double> shares;
    for (const std::size_t s : wanted) shares.push_back(composition.shares[s]);
    equations.add(shares, composition.energy);
  }
  const std::vector<double> found = equations.solve(wanted.size());
  for (std::size_t n = 0; n < wanted.size(); ++n) energies[wanted[n]] += found[n];
  return energies;
}

std::vector<EnergyDeviation> energy_deviations(std::span<const LabelledFrame> frames,
                                               const std::vector<std::string>& species) {
  const std::map<std::string, std::size_t> index = indices_of(species);
  const std::vector<double> energies = fit_reference_energies(frames, species, {});
  std::vector<EnergyDeviation> deviations;
  for (std::size_t f = 0; f < frames.size(); ++f) {
    if (!frames[f].reference.energy || is_isolated_atom(frames[f])) continue;
    const Composition composition = composition_of(frames[f], index);
    double expected = 0;
    for (std::size_t s = 0; s < species.size(); ++s) expected += composition.shares[s] * energies[s];
    deviations.push_back({f, composition.energy - expected});
  }
  if (deviations.empty()) return deviations;
  const auto middle = deviations.begin() + static_cast<std::ptrdiff_t>(deviations.size() / 2);
  std::nth_element(deviations.begin(), middle, deviations.end(),
                   [](const auto& a, const auto& b) { return a.energy < b.energy; });
  const double median = middle->energy;
  for (EnergyDeviation& deviation : deviations) deviation.energy -= median;
  std::sort(deviations.begin(), deviations.end(),
            [](const auto& a, const auto& b) { return std::abs(a.energy) < std::abs(b.energy); });
  return deviations;
}

// An energy is determined if it comes back from energies that are made of it alone.
std::vector<std::string> undetermined_elements(std::span<const LabelledFrame> frames,
                                               const std::vector<std::string>& species,
                                               const std::map<std::string, double>& known) {
  constexpr double tolerance = 1e-6;
  const std::map<std::string, std::size_t> index = indices_of(species);
  std::set<std::vector<double>> compositions;
  for (const LabelledFrame& labelled : frames)
    if (labelled.reference.energy) compositions.insert(composition_of(labelled, index).shares);
  std::vector<std::string> undetermined;
  if (compositions.empty()) return undetermined;
  for (std::size_t s = 0; s < species.size(); ++s) {
    if (known.count(species[s]) > 0) continue;
    Equations equations;
    for (const std::vector<double>& shares : compositions) {
      std::vector<double> unknown = shares;
      for (const auto& [symbol, energy] : known)
        if (index.count(symbol) > 0) unknown[index.at(symbol)] = 0;
      equations.add(unknown, shares[s]);
    }
    if (std::abs(equations.solve(species.size())[s] - 1) > tolerance) undetermined.push_back(species[s]);
  }
  return undetermined;
}

}  // namespace grapevine
