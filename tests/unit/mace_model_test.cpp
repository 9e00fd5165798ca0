#include "models/mace/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>

#include "heat_flux_checks.hpp"
#include "mace_random.hpp"
#include "mace_reference.hpp"
#include "model_checks.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"

namespace grapevine::test {
namespace {

using equivariant::BasisKind;
using equivariant::TransformKind;

struct Case {
  std::string name;
  MaceSizes sizes;
};

void PrintTo(const Case& test, std::ostream* stream) { *stream << test.name; }

std::vector<Case> cases() {
  return {
      {"two_interactions", {}},
      {"one_interaction", {.orders = {0}}},
      {"three_interactions", {.channels = 4, .orders = {1, 1, 0}}},
      {"four_interactions", {.message_order = 2, .degree = 2, .channels = 3, .orders = {1, 2, 1, 0}}},
      {"scalars_between", {.orders = {0, 0}}},
      {"tensors_between", {.channels = 3, .orders = {2, 0}}},
      {"tensors_at_the_end", {.channels = 3, .orders = {1, 1}}},
      {"full_vectors", {.channels = 32, .orders = {1, 0}}},
      {"more_than_full_vectors", {.channels = 17}},
      {"one_channel", {.channels = 1}},
      {"degree_one", {.degree = 1}},
      {"degree_two", {.degree = 2}},
      {"harmonics_of_order_zero", {.edge_order = 0, .message_order = 0, .orders = {0, 0}}},
      {"harmonics_of_order_one", {.edge_order = 1, .message_order = 1}},
      {"harmonics_of_order_two", {.edge_order = 2, .message_order = 2, .orders = {2, 0}}},
      {"messages_below_harmonics", {.edge_order = 3, .message_order = 1}},
      {"messages_above_harmonics", {.edge_order = 1, .message_order = 2}},
      {"other_channels_at_the_start", {.embedding_channels = 7}},
      {"other_channels_on_edges", {.edge_channels = 3}},
      {"density", {.density = true}},
      {"density_gaussian_agnesi",
       {.orders = {1, 1, 0}, .basis_kind = BasisKind::gaussian, .transform = TransformKind::agnesi, .density = true}},
      {"agnesi", {.species = {"H", "C", "O"}, .transform = TransformKind::agnesi}},
      {"soft", {.species = {"H", "C", "O"}, .transform = TransformKind::soft}},
      {"gaussian", {.basis_kind = BasisKind::gaussian}},
      {"no_self_connection", {.self_connection = false}},
      {"no_mixing_by_species", {.orders = {1, 1, 0}, .mix_by_species = false}},
      {"no_early_readouts", {.orders = {0, 1, 0}, .early_readouts = false}},
      {"linear_readout", {.readout_widths = {}}},
      {"biased", {.biases = true}},
      {"nuclei", {.species = {"H", "C", "O"}, .zbl = true}},
      {"one_species", {.species = {"Cu"}, .transform = TransformKind::agnesi}},
      {"all_else",
       {.species = {"H", "C", "N", "O"},
        .channels = 6,
        .orders = {2, 1, 0},
        .transform = TransformKind::agnesi,
        .density = true,
        .biases = true,
        .zbl = true}},
  };
}

class MaceModelTest : public testing::TestWithParam<Case> {
 protected:
  MaceModelTest()
      : parameters(random_parameters(GetParam().sizes, 7)),
        potential(parameters),
        frame(random_crystal(GetParam().sizes.species, 12, {6.2, 0, 0, 1.5, 5.7, 0, -0.7, 0.8, 6}, 11)) {}

  FrameResult evaluate(const Frame& at) const { return test::evaluate(potential, at); }

  void expect_reference_energies(const Frame& at) const {
    const std::vector<double> expected = reference_energies(parameters, at);
    const FrameResult result = evaluate(at);
    ASSERT_EQ(result.energies.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(result.energies[i], expected[i], 1e-11 * std::max(1.0, std::abs(expected[i]))) << "atom " << i;
    EXPECT_NEAR(result.energy, reference_energy(parameters, at), 1e-11 * static_cast<double>(expected.size()));
  }

  mace::Parameters parameters;
  mace::MacePotential potential;
  Frame frame;
};

/// Components of all vectors multiplied by a matrix.
Frame turned(Frame frame, const std::array<double, 9>& matrix) {
  const auto turn = [&](double* v) {
    const std::array<double, 3> old = {v[0], v[1], v[2]};
    for (int a = 0; a < 3; ++a) v[a] = matrix[3 * a] * old[0] + matrix[3 * a + 1] * old[1] + matrix[3 * a + 2] * old[2];
  };
  for (int i = 0; i < frame.atoms(); ++i) turn(&frame.positions[3 * i]);
  for (int k = 0; k < 3; ++k) turn(&frame.cell[3 * k]);
  return frame;
}

TEST_P(MaceModelTest, AtomicEnergiesOfACrystalEqualTheFormulas) { expect_reference_energies(frame); }

TEST_P(MaceModelTest, AtomicEnergiesOfAClusterEqualTheFormulas) {
  expect_reference_energies(random_cluster(GetParam().sizes.species, 17, 7.0, 3));
}

TEST_P(MaceModelTest, AtomicEnergiesInACellSmallerThanTheCutoffEqualTheFormulas) {
  expect_reference_energies(random_crystal(GetParam().sizes.species, 2, {2.9, 0.2, 0, 0, 3.1, -0.3, 0.4, 0, 2.7}, 5));
}

TEST_P(MaceModelTest, LonelyAtomsHaveTheirOwnEnergies) {
  Frame apart;
  for (const std::string& symbol : GetParam().sizes.species) {
    apart.symbols.push_back(symbol);
    apart.positions.insert(apart.positions.end(), {20.0 * static_cast<double>(apart.symbols.size()), 1, 2});
  }
  expect_reference_energies(apart);
  for (const double force : evaluate(apart).forces) EXPECT_EQ(force, 0);
}

TEST_P(MaceModelTest, ForcesAreMinusTheGradientOfTheReferenceEnergy) {
  const FrameResult result = evaluate(frame);
  for (const int n : {0, 4, 11, 17, 24, 35}) {
    const double force = reference_force(parameters, frame, n);
    EXPECT_NEAR(result.forces[n], force, 1e-8 * std::max(1.0, std::abs(force))) << "coordinate " << n;
  }
}

TEST_P(MaceModelTest, VirialIsMinusTheGradientOfTheReferenceEnergyByStrain) {
  const FrameResult result = evaluate(frame);
  for (const int n : {0, 1, 5, 6, 8}) {
    const double virial = reference_virial(parameters, frame, n / 3, n % 3);
    EXPECT_NEAR(result.virial[n], virial, 1e-7 * std::max(1.0, std::abs(virial))) << "component " << n;
  }
}

TEST_P(MaceModelTest, RotationTurnsForcesAndInversionTurnsThemRound) {
  const double c = std::cos(0.7);
  const double s = std::sin(0.7);
  const FrameResult before = evaluate(frame);
  for (const std::array<double, 9>& matrix :
       {std::array<double, 9>{c, -s, 0, 0.6 * s, 0.6 * c, -0.8, 0.8 * s, 0.8 * c, 0.6},
        std::array<double, 9>{-1, 0, 0, 0, -1, 0, 0, 0, -1}}) {
    const FrameResult after = evaluate(turned(frame, matrix));
    EXPECT_NEAR(after.energy, before.energy, 1e-10 * frame.atoms());
    Frame forces = frame;
    forces.positions = before.forces;
    forces = turned(forces, matrix);
    for (std::size_t n = 0; n < before.forces.size(); ++n)
      EXPECT_NEAR(after.forces[n], forces.positions[n], 1e-10 * largest_of(before.forces));
  }
}

TEST_P(MaceModelTest, AtomsInAnotherOrderHaveTheSameEnergies) { expect_same_in_another_order(potential, frame); }

TEST_P(MaceModelTest, MixedPrecisionIsCloseToDouble) { expect_mixed_close_to_double(potential, frame); }

TEST_P(MaceModelTest, ThreadsGiveTheSameResult) {
  expect_same_on_threads(potential, random_cluster(GetParam().sizes.species, 300, 21.0, 5));
}

TEST_P(MaceModelTest, AnEvaluatorForgetsTheFrameBefore) {
  expect_frames_are_forgotten(potential, random_cluster(GetParam().sizes.species, 60, 12.0, 5), frame);
}

TEST_P(MaceModelTest, InstructionSetsGiveTheSameResult) { expect_same_in_all_instruction_sets(potential, frame); }

TEST_P(MaceModelTest, HeatFluxInACellSmallerThanTheCutoffIsThatOfTheUnfoldedSurroundings) {
  expect_heat_flux_by_unfolding(
      potential, random_crystal(GetParam().sizes.species, 4, {3.9, 0.3, 0, -0.4, 4.1, 0.5, 0.6, -0.2, 3.8}, 5));
}

TEST_P(MaceModelTest, HeatFluxOfAClusterIsThatOfItsGradients) {
  expect_heat_flux_by_unfolding(potential, random_cluster(GetParam().sizes.species, 9, 5.0, 3));
}

TEST_P(MaceModelTest, PowerIsThatOfTheForces) { expect_power_of_forces(potential, frame); }

TEST_P(MaceModelTest, PowerIsTheDifferenceOfEnergies) { expect_power_by_differences(potential, frame); }

TEST_P(MaceModelTest, HeatFluxTurnsAndNothingElseChangesIt) { expect_heat_flux_invariant(potential, frame); }

TEST_P(MaceModelTest, ThreadsGiveTheSameHeatFlux) {
  expect_same_heat_flux_on_threads(potential, random_cluster(GetParam().sizes.species, 100, 15.0, 5));
}

TEST_P(MaceModelTest, InstructionSetsGiveTheSameHeatFlux) {
  expect_same_heat_flux_in_all_instruction_sets(potential, frame);
}

INSTANTIATE_TEST_SUITE_P(Sizes, MaceModelTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(MaceSmoothness, EnergyAndForceVanishAtTheCutoff) {
  const mace::Parameters parameters = random_parameters(MaceSizes{}, 3);
  expect_nothing_beyond_the_cutoff(mace::MacePotential(parameters));
}

}  // namespace
}  // namespace grapevine::test
