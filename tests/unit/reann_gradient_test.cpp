#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gradient_checks.hpp"
#include "models/reann/trainable.hpp"
#include "reann_reference.hpp"

namespace grapevine::test {
namespace {

using reann::ActivationKind;

struct Case {
  std::string name;
  ReannSizes sizes;
  bool shared_mixing = false;
};

void PrintTo(const Case& test, std::ostream* stream) { *stream << test.name; }

std::vector<Case> cases() {
  return {
      {"local", {.layers = 0}},
      {"one_layer_tanh", {.layers = 1, .activation = ActivationKind::tanh_like}},
      {"two_layers", {.layers = 2}},
      {"two_layers_shared_mixing", {.layers = 2}, true},
      {"three_layers", {.layers = 3}},
      {"three_layers_tanh_no_norm", {.layers = 3, .norm = false, .activation = ActivationKind::tanh_like}},
      {"eight_waves", {.waves = 8, .orbitals = 11, .layers = 1}},
      {"eleven_waves", {.waves = 11, .orbitals = 11, .layers = 1}},
      {"f_orbitals", {.waves = 8, .max_order = 3, .orbitals = 7, .layers = 1}},
      {"eleven_waves_f_orbitals", {.waves = 11, .max_order = 3, .orbitals = 7, .layers = 1}},
      {"g_orbitals", {.waves = 2, .max_order = 4, .orbitals = 3, .layers = 1}},
      {"s_only", {.max_order = 0, .layers = 1}},
      {"one_species", {.species = {"Cu"}, .layers = 1}},
      {"no_residual_block", {.layers = 1, .widths = {7}, .blocks = 0}},
  };
}

/// Another one for each network and orbital.
reann::InputScaling some_scaling(const reann::Parameters& parameters) {
  reann::InputScaling scaling;
  scaling.of.resize(static_cast<std::size_t>(parameters.layers) + 1);
  int n = 0;
  for (auto& pass : scaling.of) {
    pass.resize(parameters.species.size());
    for (auto& rho : pass)
      for (int m = 0; m < parameters.orbitals; ++m, ++n) {
        rho.mean.push_back(0.3 * (n % 5) - 0.5);
        rho.deviation.push_back(0.6 + 0.2 * (n % 7));
      }
  }
  return scaling;
}

class ReannGradientTest : public testing::TestWithParam<Case> {
 protected:
  ReannGradientTest() : data(GetParam().sizes.species, GetParam().sizes.cutoff) {}

  std::unique_ptr<Trainable> trainable(bool in_double) const {
    reann::Parameters parameters = random_parameters(GetParam().sizes, 7);
    reann::InputScaling scaling = some_scaling(parameters);
    return reann::make_trainable(std::move(parameters), {GetParam().shared_mixing, in_double, std::move(scaling)});
  }

  GradientBatch data;
};

TEST_P(ReannGradientTest, GradientEqualsFiniteDifferencesForEveryKindOfParameter) {
  expect_gradient_equals_differences(*trainable(true), data);
}

TEST_P(ReannGradientTest, FloatAgreesWithDouble) {
  expect_float_agrees_with_double(*trainable(true), *trainable(false), data);
}

TEST_P(ReannGradientTest, WorkersShareTheWork) { expect_workers_share_the_work(*trainable(true), data); }
TEST_P(ReannGradientTest, HelpersShareTheWork) { expect_helpers_share_the_work(*trainable(true), data); }

TEST_P(ReannGradientTest, WeightsComeBackAndThePotentialIsThatOfTheWeights) {
  expect_weights_come_back(*trainable(true), data, 1e-10);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ReannGradientTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace grapevine::test
