#include "training/comparison.hpp"

namespace grapevine {

Comparison::Comparison(const std::vector<std::string>& species) {
  panels_.emplace_back("Energy per atom", "(eV/atom)", "meV/atom");
  panels_.emplace_back("Force components", "(eV/\u00c5)", "meV/\u00c5");
  panels_.emplace_back("Virial per atom", "(eV/atom)", "meV/atom");
  panels_[1].colour_first(species);
}

void Comparison::add(std::size_t frame_index, const Frame& frame, const ReferenceValues& reference,
                     const FrameResult& result) {
  if (reference.energy) add_energy(frame_index, frame.atoms(), *reference.energy, result.energy);
  if (reference.forces) add_forces(frame_index, frame, *reference.forces, result.forces);
  if (reference.virial) add_virial(frame_index, frame.atoms(), *reference.virial, result.virial);
}

void Comparison::add_energy(std::size_t index, int atoms, double reference, double predicted) {
  errors_.energy_per_atom.add(reference / atoms, predicted / atoms, {index});
  panels_[0].add(reference / atoms, predicted / atoms, "");
}

void Comparison::add_forces(std::size_t index, const Frame& frame, const std::vector<double>& reference,
                            const std::vector<double>& predicted) {
  for (std::size_t n = 0; n < reference.size(); ++n) {
    const std::string& symbol = frame.symbols[n / 3];
    const Place place{index, static_cast<int>(n / 3)};
    errors_.forces.add(reference[n], predicted[n], place);
    errors_.forces_of_species(symbol).add(reference[n], predicted[n], place);
    panels_[1].add(reference[n], predicted[n], symbol);
  }
}

void Comparison::add_virial(std::size_t index, int atoms, const std::array<double, 9>& reference,
                            const std::array<double, 9>& predicted) {
  for (std::size_t n = 0; n < 9; ++n) {
    errors_.virial_per_atom.add(reference[n] / atoms, predicted[n] / atoms, {index});
    panels_[2].add(reference[n] / atoms, predicted[n] / atoms, "");
  }
}

}  // namespace grapevine
