#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <vector>

#include "engine/evaluator.hpp"
#include "gradient_checks.hpp"
#include "mace_random.hpp"
#include "models/atoms_alone.hpp"
#include "models/mace/training/trainable.hpp"
#include "models/nequip/training/trainable.hpp"
#include "nequip_random.hpp"

/// Isolated atoms of equivariant models that have given energies whatever the weights are.
namespace grapevine {
namespace {

mace::Parameters mace_parameters() {
  test::MaceSizes sizes;
  sizes.channels = 3;
  sizes.radial_widths = {4};
  sizes.edge_order = 1;
  sizes.message_order = 1;
  sizes.biases = true;
  return test::random_parameters(sizes, 7);
}

nequip::Parameters nequip_parameters() {
  test::NequipSizes sizes;
  sizes.features = {"3x0e", "4x0e+2x1e", "3x0e"};
  sizes.edge_order = 1;
  sizes.radial_widths = {4};
  sizes.self_connection = test::SelfConnection::by_species;
  sizes.norm = true;
  sizes.biases = true;
  return test::random_parameters(sizes, 7);
}

std::vector<double> energies_alone(const Trainable& model) {
  const AtomsAlone alone(static_cast<int>(model.species().size()));
  std::vector<double> energies(model.species().size());
  std::vector<double> forces(3 * energies.size());
  Output output;
  output.energies = energies.data();
  output.forces = forces.data();
  output.wants_virial = false;
  model.make_worker()->evaluate(alone, output, 1);
  return energies;
}

void expect_held(Trainable& model) {
  EXPECT_NEAR(energies_alone(model)[0], -1.25, 1e-12);
  std::vector<double> weights = model.weights();
  const double free = energies_alone(model)[1];
  for (double& weight : weights) weight *= 1.3;
  model.set_weights(weights, 1);
  EXPECT_NEAR(energies_alone(model)[0], -1.25, 1e-12);
  EXPECT_NE(energies_alone(model)[1], free);
  test::expect_gradient_equals_differences(model, test::GradientBatch(model.species(), model.cutoff()));
}

const IsolatedEnergies first_is_held = {-1.25, std::nullopt};

TEST(MaceIsolatedAtoms, AreHeldAtAllTimes) {
  expect_held(*mace::make_trainable(mace_parameters(), first_is_held, true));
}

TEST(NequipIsolatedAtoms, AreHeldAtAllTimes) {
  expect_held(*nequip::make_trainable(nequip_parameters(), first_is_held, true));
}

TEST(MaceIsolatedAtoms, LoneAtomsHaveTheEnergyThatIsComputedForThem) {
  const mace::Parameters p = mace_parameters();
  const std::vector<double> energies = energies_alone(*mace::make_trainable(p, {}, true));
  for (std::size_t s = 0; s < 2; ++s) EXPECT_NEAR(energies[s], p.energy_shift[s] + mace::lone_atom_energy(p, s), 1e-12);
}

TEST(NequipIsolatedAtoms, LoneAtomsHaveTheEnergyThatIsComputedForThem) {
  for (const auto connection :
       {test::SelfConnection::none, test::SelfConnection::linear, test::SelfConnection::by_embedding}) {
    test::NequipSizes sizes;
    sizes.self_connection = connection;
    const nequip::Parameters p = test::random_parameters(sizes, 2);
    const std::vector<double> energies = energies_alone(*nequip::make_trainable(p, {}, true));
    for (std::size_t s = 0; s < 2; ++s)
      EXPECT_NEAR(energies[s], p.energy_shift[s] + nequip::lone_atom_energy(p, s), 1e-12);
  }
}

}  // namespace
}  // namespace grapevine
