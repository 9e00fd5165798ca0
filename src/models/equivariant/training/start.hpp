#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/equivariant/training/new_maps.hpp"
#include "models/isolated_energies.hpp"
#include "models/trainable.hpp"

/// How models of equivariant architectures are made ready to be trained. The namespace of their Parameters has
/// make_trainable(), extend_species() and options_of().
namespace grapevine::equivariant {

/// What a new potential takes from the data.
struct NewModel {
  std::vector<std::string> species;
  double mean_neighbours = 1;
  double energy_scale = 1;
  std::uint64_t seed = 0;
};

inline NewModel new_model_of(const TrainingStart& start) {
  return {start.species, mean_neighbours(start.sample), start.force_rms, start.seed};
}

/// With reference energies and isolated atoms as the training has them.
template <class Parameters>
std::unique_ptr<Trainable> ready_to_train(Parameters parameters, const TrainingStart& start) {
  parameters.energy_shift = start.energy_shifts;
  return make_trainable(std::move(parameters), energies_in_order(start.isolated_atoms, start.species), start.in_double,
                        start.options.trained_basis);
}

template <class Parameters>
class EquivariantStart final : public StartingModel {
 public:
  explicit EquivariantStart(Parameters parameters) : parameters_(std::move(parameters)) {}

  const std::vector<std::string>& species() const override { return parameters_.species; }
  ModelOptions options() const override { return options_of(parameters_); }
  std::vector<double> energy_shifts() const override { return parameters_.energy_shift; }
  std::optional<IsolatedEnergies> isolated_atoms() const override {
    return IsolatedEnergies(parameters_.species.size());
  }
  bool takes_isolated_atoms() const override { return true; }

  std::unique_ptr<Trainable> go_on(const TrainingStart& start) const override {
    return ready_to_train(extend_species(parameters_, start.species, start.seed), start);
  }

 private:
  Parameters parameters_;
};

}  // namespace grapevine::equivariant
