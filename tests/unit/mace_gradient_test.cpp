#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "gradient_checks.hpp"
#include "mace_random.hpp"
#include "models/mace/training/trainable.hpp"
#include "support/error.hpp"

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
      {"tensors_at_the_end", {.channels = 3, .orders = {1, 1}}},
      {"more_than_full_vectors", {.channels = 17}},
      {"degree_one", {.degree = 1}},
      {"other_channels_at_the_start", {.embedding_channels = 7}},
      {"other_channels_on_edges", {.edge_channels = 3}},
      {"density", {.density = true}},
      {"density_gaussian_agnesi",
       {.orders = {1, 1, 0}, .basis_kind = BasisKind::gaussian, .transform = TransformKind::agnesi, .density = true}},
      {"soft", {.species = {"H", "C", "O"}, .transform = TransformKind::soft}},
      {"no_self_connection", {.self_connection = false}},
      {"no_mixing_by_species", {.orders = {1, 1, 0}, .mix_by_species = false}},
      {"no_early_readouts", {.orders = {0, 1, 0}, .early_readouts = false}},
      {"biased", {.biases = true}},
      {"nuclei", {.species = {"H", "C", "O"}, .zbl = true}},
  };
}

class MaceGradientTest : public testing::TestWithParam<Case> {
 protected:
  MaceGradientTest() : data(GetParam().sizes.species, GetParam().sizes.cutoff) {}

  std::unique_ptr<Trainable> trainable(bool in_double) const {
    return mace::make_trainable(random_parameters(GetParam().sizes, 7), {}, in_double, true);
  }

  GradientBatch data;
};

TEST_P(MaceGradientTest, GradientEqualsFiniteDifferencesForEveryKindOfParameter) {
  expect_gradient_equals_differences(*trainable(true), data);
}

TEST_P(MaceGradientTest, FloatAgreesWithDouble) {
  expect_float_agrees_with_double(*trainable(true), *trainable(false), data);
}

TEST_P(MaceGradientTest, WorkersShareTheWork) { expect_workers_share_the_work(*trainable(true), data); }
TEST_P(MaceGradientTest, HelpersShareTheWork) { expect_helpers_share_the_work(*trainable(true), data); }

TEST_P(MaceGradientTest, WeightsComeBackAndThePotentialIsThatOfTheWeights) {
  // In training radial functions are interpolated.
  expect_weights_come_back(*trainable(true), data, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Sizes, MaceGradientTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(MaceTrainable, RefusesTablesThatDoNotFitIntoMemory) {
  MaceSizes sizes{.edge_order = 1, .message_order = 1, .degree = 1, .channels = 64, .transform = TransformKind::agnesi};
  sizes.species = {"H",  "He", "Li", "Be", "B",  "C",  "N",  "O",  "F",  "Ne", "Na", "Mg", "Al", "Si", "P",
                   "S",  "Cl", "Ar", "K",  "Ca", "Sc", "Ti", "V",  "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn",
                   "Ga", "Ge", "As", "Se", "Br", "Kr", "Rb", "Sr", "Y",  "Zr", "Nb", "Mo", "Tc", "Ru", "Rh",
                   "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I",  "Xe", "Cs", "Ba", "La", "Ce", "Pr", "Nd"};
  EXPECT_THAT([&] { mace::make_trainable(random_parameters(sizes, 7), {}, true); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("1830 pairs of elements")));
}

}  // namespace
}  // namespace grapevine::test
