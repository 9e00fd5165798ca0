#include "training/reference_energies.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

#include "support/error.hpp"
#include "training/dataset.hpp"
#include "training/minimum_norm.hpp"

namespace grapevine {
namespace {

constexpr double same_energy = 1e-3;  // eV

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
                                           const std::map<std::string, double>& fixed) {
  std::map<std::string, std::size_t> index;
  for (std::size_t s = 0; s < species.size(); ++s) index[species[s]] = s;
  std::vector<double> energies(species.size(), 0.0);
  std::vector<std::size_t> wanted;
  for (std::size_t s = 0; s < species.size(); ++s) {
    const auto known = fixed.find(species[s]);
    if (known == fixed.end())
      wanted.push_back(s);
    else
      energies[s] = known->second;
  }
  Equations equations;
  for (const LabelledFrame& labelled : frames) {
    if (!labelled.reference.energy) continue;
    Composition composition = composition_of(labelled, index);
    for (std::size_t s = 0; s < species.size(); ++s) composition.energy -= composition.shares[s] * energies[s];
    std::vector<double> shares;
    for (const std::size_t s : wanted) shares.push_back(composition.shares[s]);
    equations.add(shares, composition.energy);
  }
  const std::vector<double> found = equations.solve(wanted.size());
  for (std::size_t n = 0; n < wanted.size(); ++n) energies[wanted[n]] = found[n];
  return energies;
}

}  // namespace grapevine
