#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "gradient_checks.hpp"
#include "models/nequip/training/trainable.hpp"
#include "nequip_random.hpp"
#include "support/error.hpp"

namespace grapevine::test {
namespace {

using equivariant::ActivationKind;
using equivariant::CutoffKind;

struct Case {
  std::string name;
  NequipSizes sizes;
};

void PrintTo(const Case& test, std::ostream* stream) { *stream << test.name; }

std::vector<Case> cases() {
  return {
      {"three_interactions", {}},
      {"two_interactions", {.features = {"6x0e", "17x0e+3x1e+2x2e", "7x0e"}}},
      {"both_parities", {.odd_harmonics = true, .features = {"6x0e", "4x0e+2x0o+2x1o+2x1e+2x2e", "5x0e+2x1o", "7x0e"}}},
      {"linear_biased", {.biases = true}},
      {"no_self_connection", {.self_connection = SelfConnection::none}},
      {"by_species", {.self_connection = SelfConnection::by_species}},
      {"by_embedding_biased", {.self_connection = SelfConnection::by_embedding, .biases = true}},
      {"xplor", {.cutoff_kind = CutoffKind::xplor}},
      {"harmonics_not_normalised", {.normalised_harmonics = false, .cutoff_kind = CutoffKind::xplor}},
      {"radial_tanh", {.radial_activation = ActivationKind::tanh}},
      {"readout_of_three_layers",
       {.biases = true, .readout_widths = {7, 5}, .readout_activation = ActivationKind::silu}},
      {"readout_mish", {.readout_activation = ActivationKind::mish}},
      {"cutoffs_of_pairs", {.pair_cutoffs = true}},
      {"norm", {.norm = true}},
      {"all_else",
       {.species = {"H", "C", "N"},
        .self_connection = SelfConnection::by_embedding,
        .pair_cutoffs = true,
        .neighbour_scale = true,
        .norm = true,
        .zbl = true}},
  };
}

class NequipGradientTest : public testing::TestWithParam<Case> {
 protected:
  NequipGradientTest() : data(GetParam().sizes.species, GetParam().sizes.cutoff) {}

  std::unique_ptr<Trainable> trainable(bool in_double) const {
    return nequip::make_trainable(random_parameters(GetParam().sizes, 7), {}, in_double, true);
  }

  GradientBatch data;
};

TEST_P(NequipGradientTest, GradientEqualsFiniteDifferencesForEveryKindOfParameter) {
  expect_gradient_equals_differences(*trainable(true), data);
}

TEST_P(NequipGradientTest, FloatAgreesWithDouble) {
  expect_float_agrees_with_double(*trainable(true), *trainable(false), data);
}

TEST_P(NequipGradientTest, WorkersShareTheWork) { expect_workers_share_the_work(*trainable(true), data); }
TEST_P(NequipGradientTest, HelpersShareTheWork) { expect_helpers_share_the_work(*trainable(true), data); }

TEST_P(NequipGradientTest, WeightsComeBackAndThePotentialIsThatOfTheWeights) {
  // In training radial functions are interpolated.
  expect_weights_come_back(*trainable(true), data, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Sizes, NequipGradientTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(NequipTrainable, RefusesOrdersThatItHasNoKernelsFor) {
  const NequipSizes sizes{.edge_order = 4, .features = {"3x0e", "3x0e+2x1e+2x2e+2x3e+1x4e", "5x0e"}};
  EXPECT_THAT([&] { nequip::make_trainable(random_parameters(sizes, 7), {}, false); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("orders up to 3")));
}

}  // namespace
}  // namespace grapevine::test
