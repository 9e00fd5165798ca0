#include "models/nequip/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "heat_flux_checks.hpp"
#include "model_checks.hpp"
#include "nequip_random.hpp"
#include "nequip_reference.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"

namespace grapevine::test {
namespace {

using equivariant::ActivationKind;
using equivariant::CutoffKind;

struct Case {
  std::string name;
  NequipSizes sizes;
};

void PrintTo(const Case& test, std::ostream* stream) { *stream << test.name; }

const std::vector<std::string> both_parities = {"4x0e", "4x0e+3x1o+2x2e", "4x0e+2x0o+2x1o+3x1e+1x2e+2x2o", "5x0e"};

std::vector<Case> cases() {
  return {
      {"three_layers", {}},
      {"one_layer", {.features = {"9x0e", "11x0e"}}},
      {"two_layers", {.features = {"9x0e", "9x0e+5x1e+2x2e", "11x0e"}}},
      {"four_layers",
       {.features = {"3x0e", "3x0e+2x1e", "3x0e+2x1e+2x2e", "4x0e+1x1e+1x2e", "2x0e"}, .readout_widths = {}}},
      {"full_vectors", {.features = {"16x0e", "16x0e+8x1e+8x2e", "32x0e+16x1e+8x2e", "16x0e"}}},
      {"more_than_full_vectors", {.features = {"17x0e", "17x0e+9x1e+7x2e", "33x0e+15x1e+9x2e", "19x0e"}}},
      {"one_channel_each", {.features = {"1x0e", "1x0e+1x1e+1x2e", "1x0e+1x1e+1x2e", "1x0e"}}},
      {"scalars_only", {.edge_order = 0, .features = {"9x0e", "5x0e", "6x0e"}}},
      {"vectors_only", {.edge_order = 1, .features = {"6x0e", "5x0e+4x1e", "6x0e+3x1e", "6x0e"}}},
      {"order_three", {.edge_order = 3, .features = {"5x0e", "5x0e+4x1e+3x2e+2x3e", "7x0e+3x1e+4x2e+3x3e", "6x0e"}}},
      {"harmonics_below_features",
       {.edge_order = 1, .features = {"5x0e", "5x0e+4x1e", "5x0e+4x1e+3x2e", "4x0e+3x1e+3x2e+2x3e", "6x0e"}}},
      {"harmonics_above_features", {.edge_order = 3, .features = {"5x0e", "5x0e+4x1e", "5x0e+4x1e", "6x0e"}}},
      {"no_scalars_between", {.features = {"5x0e", "4x1e", "5x0e"}, .self_connection = SelfConnection::none}},
      {"both_parities", {.odd_harmonics = true, .features = both_parities}},
      {"both_parities_by_species_biased",
       {.odd_harmonics = true,
        .features = both_parities,
        .self_connection = SelfConnection::by_species,
        .biases = true,
        .even_activation = ActivationKind::shifted_softplus,
        .odd_activation = ActivationKind::abs}},
      {"both_parities_order_three",
       {.edge_order = 3,
        .odd_harmonics = true,
        .features = {"3x0e", "3x0e+2x1o+2x2e+2x3o", "3x0e+2x0o+2x1o+3x1e+1x2e+2x2o+1x3e+2x3o", "5x0e"},
        .unused_paths = true}},
      {"unused_paths_in_any_order", {.unused_paths = true, .sorted_paths = false}},
      {"paths_in_any_order_both_parities", {.odd_harmonics = true, .features = both_parities, .sorted_paths = false}},
      {"the_same_irreps_twice",
       {.features = {"3x0e+2x0e", "3x0e+2x0e+2x1e+3x1e", "4x0e+1x0e+2x1e+1x2e+1x1e", "3x0e+2x0e"}}},
      {"linear_biased", {.biases = true}},
      {"no_self_connection", {.self_connection = SelfConnection::none}},
      {"by_species", {.self_connection = SelfConnection::by_species}},
      {"xplor", {.cutoff_kind = CutoffKind::xplor}},
      {"harmonics_not_normalised", {.normalised_harmonics = false, .cutoff_kind = CutoffKind::xplor}},
      {"harmonics_not_normalised_order_three",
       {.cutoff = 3.5,
        .edge_order = 3,
        .normalised_harmonics = false,
        .features = {"3x0e", "3x0e+3x1e+2x2e+2x3e", "5x0e"}}},
      {"radial_tanh", {.radial_activation = ActivationKind::tanh}},
      {"radial_softplus", {.radial_activation = ActivationKind::shifted_softplus}},
      {"radial_elu_one_layer", {.radial_widths = {9}, .radial_activation = ActivationKind::elu}},
      {"radial_linear", {.radial_widths = {}}},
      {"many_basis_functions", {.basis = 13, .radial_widths = {17, 16}}},
      {"readout_of_three_layers",
       {.biases = true, .readout_widths = {7, 5}, .readout_activation = ActivationKind::silu}},
      {"readout_sigmoid", {.readout_activation = ActivationKind::sigmoid}},
      {"readout_gelu", {.readout_activation = ActivationKind::gelu}},
      {"readout_mish", {.readout_activation = ActivationKind::mish}},
      {"by_embedding", {.self_connection = SelfConnection::by_embedding}},
      {"by_embedding_biased", {.self_connection = SelfConnection::by_embedding, .biases = true}},
      {"cutoffs_of_pairs", {.pair_cutoffs = true}},
      {"scale_of_neighbours", {.neighbour_scale = true}},
      {"norm", {.norm = true}},
      {"norm_two_layers_by_species",
       {.features = {"9x0e", "9x0e+5x1e+2x2e", "17x0e"}, .self_connection = SelfConnection::by_species, .norm = true}},
      {"nuclei", {.zbl = true}},
      {"nuclei_and_all_else",
       {.species = {"H", "C", "N"},
        .self_connection = SelfConnection::by_embedding,
        .pair_cutoffs = true,
        .neighbour_scale = true,
        .norm = true,
        .zbl = true}},
      {"order_four",
       {.edge_order = 4,
        .odd_harmonics = true,
        .features = {"5x0e", "5x0e+4x1o+3x2e+2x3o+2x4e", "7x0e+3x1o+4x2e+3x3o+1x4e", "6x0e"}}},
      {"order_four_all_even",
       {.edge_order = 4,
        .features = {"3x0e", "3x0e+2x1e+2x2e+2x3e+1x4e", "4x0e+1x1e+1x2e+2x3e+2x4e", "5x0e"},
        .unused_paths = true}},
      {"one_species", {.species = {"Cu"}, .self_connection = SelfConnection::by_species}},
      {"four_species", {.species = {"H", "C", "N", "O"}, .self_connection = SelfConnection::by_species}},
  };
}

class NequipModelTest : public testing::TestWithParam<Case> {
 protected:
  NequipModelTest()
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

  nequip::Parameters parameters;
  nequip::NequipPotential potential;
  Frame frame;
};

TEST_P(NequipModelTest, AtomicEnergiesOfACrystalEqualTheFormulas) { expect_reference_energies(frame); }

TEST_P(NequipModelTest, AtomicEnergiesOfAClusterEqualTheFormulas) {
  expect_reference_energies(random_cluster(GetParam().sizes.species, 17, 7.0, 3));
}

TEST_P(NequipModelTest, AtomicEnergiesInACellSmallerThanTheCutoffEqualTheFormulas) {
  expect_reference_energies(random_crystal(GetParam().sizes.species, 2, {2.9, 0.2, 0, 0, 3.1, -0.3, 0.4, 0, 2.7}, 5));
}

TEST_P(NequipModelTest, LonelyAtomsHaveTheirOwnEnergies) {
  Frame apart;
  for (const std::string& symbol : GetParam().sizes.species) {
    apart.symbols.push_back(symbol);
    apart.positions.insert(apart.positions.end(), {20.0 * static_cast<double>(apart.symbols.size()), 1, 2});
  }
  expect_reference_energies(apart);
  for (const double force : evaluate(apart).forces) EXPECT_EQ(force, 0);
}

TEST_P(NequipModelTest, ForcesAreMinusTheGradientOfTheReferenceEnergy) {
  const FrameResult result = evaluate(frame);
  for (const int n : {0, 4, 11, 17, 24, 35}) {
    const double force = reference_force(parameters, frame, n);
    EXPECT_NEAR(result.forces[n], force, 1e-8 * std::max(1.0, std::abs(force))) << "coordinate " << n;
  }
}

TEST_P(NequipModelTest, VirialIsMinusTheGradientOfTheReferenceEnergyByStrain) {
  const FrameResult result = evaluate(frame);
  for (const int n : {0, 1, 5, 6, 8}) {
    const double virial = reference_virial(parameters, frame, n / 3, n % 3);
    EXPECT_NEAR(result.virial[n], virial, 1e-7 * std::max(1.0, std::abs(virial))) << "component " << n;
  }
}

TEST_P(NequipModelTest, AtomsInAnotherOrderHaveTheSameEnergies) { expect_same_in_another_order(potential, frame); }

TEST_P(NequipModelTest, MixedPrecisionIsCloseToDouble) { expect_mixed_close_to_double(potential, frame); }

TEST_P(NequipModelTest, ThreadsGiveTheSameResult) {
  expect_same_on_threads(potential, random_cluster(GetParam().sizes.species, 300, 21.0, 5));
}

TEST_P(NequipModelTest, AnEvaluatorForgetsTheFrameBefore) {
  expect_frames_are_forgotten(potential, random_cluster(GetParam().sizes.species, 60, 12.0, 5), frame);
}

TEST_P(NequipModelTest, InstructionSetsGiveTheSameResult) { expect_same_in_all_instruction_sets(potential, frame); }

TEST_P(NequipModelTest, HeatFluxInACellSmallerThanTheCutoffIsThatOfTheUnfoldedSurroundings) {
  expect_heat_flux_by_unfolding(
      potential, random_crystal(GetParam().sizes.species, 4, {3.9, 0.3, 0, -0.4, 4.1, 0.5, 0.6, -0.2, 3.8}, 5));
}

TEST_P(NequipModelTest, HeatFluxOfAClusterIsThatOfItsGradients) {
  expect_heat_flux_by_unfolding(potential, random_cluster(GetParam().sizes.species, 9, 5.0, 3));
}

TEST_P(NequipModelTest, PowerIsThatOfTheForces) { expect_power_of_forces(potential, frame); }

TEST_P(NequipModelTest, PowerIsTheDifferenceOfEnergies) { expect_power_by_differences(potential, frame); }

TEST_P(NequipModelTest, HeatFluxTurnsAndNothingElseChangesIt) { expect_heat_flux_invariant(potential, frame); }

TEST_P(NequipModelTest, ThreadsGiveTheSameHeatFlux) {
  expect_same_heat_flux_on_threads(potential, random_cluster(GetParam().sizes.species, 100, 15.0, 5));
}

TEST_P(NequipModelTest, InstructionSetsGiveTheSameHeatFlux) {
  expect_same_heat_flux_in_all_instruction_sets(potential, frame);
}

INSTANTIATE_TEST_SUITE_P(Sizes, NequipModelTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(NequipSmoothness, EnergyAndForceVanishAtTheCutoff) {
  const nequip::Parameters parameters = random_parameters(NequipSizes{}, 3);
  expect_nothing_beyond_the_cutoff(nequip::NequipPotential(parameters));
}

}  // namespace
}  // namespace grapevine::test
