#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "equivariant_random.hpp"
#include "heat_flux_checks.hpp"
#include "models/reann/model.hpp"
#include "reann_reference.hpp"

namespace grapevine::test {
namespace {

struct Case {
  std::string name;
  ReannSizes sizes;
};

void PrintTo(const Case& test, std::ostream* stream) { *stream << test.name; }

std::vector<Case> cases() {
  return {
      {"local", {.layers = 0}},
      {"one_layer", {.layers = 1}},
      {"three_layers_tanh", {.layers = 3, .activation = reann::ActivationKind::tanh_like}},
      {"s_only", {.max_order = 0, .layers = 1}},
      {"p_only_no_norm", {.max_order = 1, .layers = 1, .norm = false}},
      {"eight_waves_f_orbitals", {.waves = 8, .max_order = 3, .layers = 1}},
      {"eleven_waves_g_orbitals", {.waves = 11, .max_order = 4, .orbitals = 3, .layers = 1}},
      {"eleven_waves", {.waves = 11, .orbitals = 9, .layers = 1}},
      {"one_species", {.species = {"Cu"}, .layers = 1}},
      {"no_residual_block", {.layers = 1, .widths = {7}, .blocks = 0}},
      {"three_widths", {.layers = 1, .widths = {5, 12, 3}, .blocks = 1}},
  };
}

class ReannHeatFluxTest : public testing::TestWithParam<Case> {
 protected:
  ReannHeatFluxTest()
      : potential(random_parameters(GetParam().sizes, 7)),
        cluster(random_cluster(GetParam().sizes.species, 21, 6.5, 11)),
        crystal(random_crystal(GetParam().sizes.species, 5, {3.9, 0, 0, 1.1, 4.2, 0, -0.7, 0.9, 4.6}, 13)) {}

  reann::ReannPotential potential;
  Frame cluster;
  Frame crystal;  // smaller than one cutoff
};

TEST_P(ReannHeatFluxTest, IsThatOfTheUnfoldedCell) {
  expect_heat_flux_by_unfolding(potential, cluster);
  expect_heat_flux_by_unfolding(potential, crystal);
}

TEST_P(ReannHeatFluxTest, PowerIsThatOfTheForces) {
  expect_power_of_forces(potential, crystal);
  expect_power_by_differences(potential, cluster);
}

TEST_P(ReannHeatFluxTest, IsInvariant) { expect_heat_flux_invariant(potential, cluster); }

TEST_P(ReannHeatFluxTest, IsTheSameInAllInstructionSets) {
  expect_same_heat_flux_in_all_instruction_sets(potential, cluster);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ReannHeatFluxTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(ReannHeatFlux, IsTheSameOnThreads) {
  const reann::ReannPotential potential(random_parameters({.layers = 1}, 7));
  expect_same_heat_flux_on_threads(potential, random_cluster(ReannSizes{}.species, 300, 20.0, 5));
}

}  // namespace
}  // namespace grapevine::test
