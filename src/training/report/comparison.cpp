#include "training/report/comparison.hpp"

#include <algorithm>
#include <cmath>

#include "training/data/minimum_norm.hpp"

namespace grapevine {

Comparison::Comparison(const std::vector<std::string>& species)
    : forces_("Force components", "(eV/\u00c5)", "meV/\u00c5"), virial_("Virial per atom", "(eV/atom)", "meV/atom") {
  for (const std::string& symbol : species) species_.emplace(symbol, species_.size());
  forces_.colour_first(species);
}

void Comparison::add(std::size_t frame_index, const Frame& frame, const ReferenceValues& reference,
                     const FrameResult& result) {
  if (reference.energy) add_energy(frame_index, frame, *reference.energy, result.energy);
  if (reference.forces) add_forces(frame_index, frame, *reference.forces, result.forces);
  if (reference.virial) add_virial(frame_index, frame.atoms(), *reference.virial, result.virial);
}

void Comparison::add_energy(std::size_t index, const Frame& frame, double reference, double predicted) {
  const int atoms = frame.atoms();
  errors_.energy_per_atom.add(reference / atoms, predicted / atoms, {index});
  const auto composition = compositions_.try_emplace(shares_of_species(frame), compositions_.size()).first;
  energies_.push_back({composition->second, reference / atoms, predicted / atoms});
}

std::vector<double> Comparison::shares_of_species(const Frame& frame) const {
  std::vector<double> shares(species_.size(), 0.0);
  for (const std::string& symbol : frame.symbols) shares[species_.at(symbol)] += 1;
  for (double& share : shares) share /= frame.atoms();
  return shares;
}

std::size_t Comparison::species_present() const {
  std::size_t present = 0;
  for (std::size_t s = 0; s < species_.size(); ++s)
    present += std::any_of(compositions_.begin(), compositions_.end(), [s](const auto& c) { return c.first[s] > 0; });
  return present;
}

/// What the elements' reference energies make of each composition, eV/atom. Zero if all compositions are the same, or
/// there are so few structures that little else would be left.
std::vector<double> Comparison::baseline_of_compositions() const {
  std::vector<double> baseline(compositions_.size(), 0.0);
  if (compositions_.size() < 2 || energies_.size() < 3 * species_present()) return baseline;
  std::vector<double> count(baseline.size(), 0.0), sum(baseline.size(), 0.0);
  for (const EnergyPair& pair : energies_) {
    count[pair.composition] += 1;
    sum[pair.composition] += pair.reference;
  }
  std::vector<std::vector<double>> rows;
  std::vector<double> values;
  for (const auto& [shares, composition] : compositions_) {
    const double weight = std::sqrt(count[composition]);
    rows.push_back(shares);
    for (double& share : rows.back()) share *= weight;
    values.push_back(sum[composition] / weight);
  }
  const std::vector<double> energies = minimum_norm_least_squares(rows, values);
  for (const auto& [shares, composition] : compositions_)
    for (std::size_t s = 0; s < shares.size(); ++s) baseline[composition] += shares[s] * energies[s];
  return baseline;
}

ParityPanel Comparison::energy_panel() const {
  const std::vector<double> baseline = baseline_of_compositions();
  const bool subtracted = std::any_of(baseline.begin(), baseline.end(), [](double energy) { return energy != 0; });
  ParityPanel panel(subtracted ? "Energy per atom \u2212 reference energies" : "Energy per atom", "(eV/atom)",
                    "meV/atom");
  for (const EnergyPair& pair : energies_)
    panel.add(pair.reference - baseline[pair.composition], pair.predicted - baseline[pair.composition], "");
  return panel;
}

std::vector<ParityPanel> Comparison::panels() const { return {energy_panel(), forces_, virial_}; }

void Comparison::add_forces(std::size_t index, const Frame& frame, const std::vector<double>& reference,
                            const std::vector<double>& predicted) {
  for (std::size_t n = 0; n < reference.size(); ++n) {
    const std::string& symbol = frame.symbols[n / 3];
    const Place place{index, static_cast<int>(n / 3)};
    errors_.forces.add(reference[n], predicted[n], place);
    errors_.forces_of_species(symbol).add(reference[n], predicted[n], place);
    forces_.add(reference[n], predicted[n], symbol);
  }
}

void Comparison::add_virial(std::size_t index, int atoms, const std::array<double, 9>& reference,
                            const std::array<double, 9>& predicted) {
  for (std::size_t n = 0; n < 9; ++n) {
    errors_.virial_per_atom.add(reference[n] / atoms, predicted[n] / atoms, {index});
    virial_.add(reference[n] / atoms, predicted[n] / atoms, "");
  }
}

}  // namespace grapevine
