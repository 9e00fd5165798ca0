#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <hwy/targets.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <ostream>

#include "models/reann/angular.hpp"
#include "models/reann/model.hpp"
#include "models/reann/radial_table.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"

namespace grapevine::test {
namespace {

using reann::ActivationKind;

struct Case {
  std::string name;
  ReannSizes sizes;
};

void PrintTo(const Case& test, std::ostream* stream) { *stream << test.name; }

std::vector<Case> cases() {
  return {
      {"local", {.layers = 0}},
      {"one_layer", {.layers = 1}},
      {"two_layers", {.layers = 2}},
      {"three_layers_tanh", {.layers = 3, .activation = ActivationKind::tanh_like}},
      {"s_only", {.max_order = 0}},
      {"p_only_no_norm", {.max_order = 1, .norm = false}},
      {"f_orbitals", {.max_order = 3, .layers = 1}},
      {"g_orbitals", {.waves = 2, .max_order = 4, .layers = 1}},
      {"one_wave", {.waves = 1, .orbitals = 3}},
      {"seven_waves", {.waves = 7, .orbitals = 5}},
      {"eight_waves", {.waves = 8, .orbitals = 5}},
      {"eight_waves_f_orbitals", {.waves = 8, .max_order = 3}},
      {"eleven_waves_f_orbitals", {.waves = 11, .max_order = 3, .orbitals = 9, .layers = 1}},
      {"eleven_waves_g_orbitals", {.waves = 11, .max_order = 4, .orbitals = 3, .layers = 1}},
      {"seventeen_waves", {.waves = 17, .orbitals = 9, .layers = 1}},
      {"eleven_waves_two_orders", {.waves = 11, .max_order = 2, .orbitals = 9, .layers = 2}},
      {"eleven_waves", {.waves = 11, .orbitals = 40, .layers = 1}},
      {"one_species", {.species = {"Cu"}}},
      {"four_species", {.species = {"H", "C", "N", "O"}, .layers = 1}},
      {"single_width", {.widths = {7}, .blocks = 1}},
      {"no_residual_block", {.widths = {7}, .blocks = 0}},
      {"three_widths", {.widths = {5, 12, 3}, .blocks = 1}},
  };
}

class ReannModelTest : public testing::TestWithParam<Case> {
 protected:
  ReannModelTest()
      : parameters(random_parameters(GetParam().sizes, 7)),
        potential(parameters),
        frame(random_cluster(GetParam().sizes.species, 37, 9.0, 11)) {}

  double energy(const Frame& at) {
    return FrameEvaluator(potential, Precision::double_precision, 1).evaluate(at).energy;
  }

  reann::Parameters parameters;
  reann::ReannPotential potential;
  Frame frame;
};

TEST_P(ReannModelTest, AtomicEnergiesEqualPublishedFormulas) {
  const std::vector<double> expected = reference_energies(parameters, frame);
  const FrameResult result = FrameEvaluator(potential, Precision::double_precision, 1).evaluate(frame);
  ASSERT_EQ(result.energies.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(result.energies[i], expected[i], 1e-11) << "atom " << i;
}

TEST_P(ReannModelTest, ForcesAreMinusTheGradientOfTheEnergy) {
  const FrameResult result = FrameEvaluator(potential, Precision::double_precision, 1).evaluate(frame);
  constexpr double h = 1e-4;
  for (const std::size_t n : {0, 4, 17, 50, 83, 110}) {
    const auto shifted = [&](double by) {
      Frame moved = frame;
      moved.positions[n] += by;
      return energy(moved);
    };
    const double slope = (8 * (shifted(h) - shifted(-h)) - (shifted(2 * h) - shifted(-2 * h))) / (12 * h);
    EXPECT_NEAR(result.forces[n], -slope, 2e-8 * std::max(1.0, std::abs(slope))) << "coordinate " << n;
  }
}

TEST_P(ReannModelTest, VirialIsMinusTheGradientByStrain) {
  const FrameResult result = FrameEvaluator(potential, Precision::double_precision, 1).evaluate(frame);
  constexpr double h = 1e-5;
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      const auto strained = [&](double by) {
        Frame moved = frame;
        for (int i = 0; i < frame.atoms(); ++i) moved.positions[3 * i + b] += by * frame.positions[3 * i + a];
        return energy(moved);
      };
      const double slope = (8 * (strained(h) - strained(-h)) - (strained(2 * h) - strained(-2 * h))) / (12 * h);
      EXPECT_NEAR(result.virial[3 * a + b], -slope, 1e-6 * std::max(1.0, std::abs(slope)));
    }
}

TEST_P(ReannModelTest, MixedPrecisionIsCloseToDouble) {
  const FrameResult exact = FrameEvaluator(potential, Precision::double_precision, 1).evaluate(frame);
  const FrameResult mixed = FrameEvaluator(potential, Precision::mixed, 1).evaluate(frame);
  double largest = 1;
  for (const double force : exact.forces) largest = std::max(largest, std::abs(force));
  EXPECT_NEAR(mixed.energy, exact.energy, 1e-5 * frame.atoms() * largest);
  for (std::size_t n = 0; n < exact.forces.size(); ++n) EXPECT_NEAR(mixed.forces[n], exact.forces[n], 1e-4 * largest);
}

TEST_P(ReannModelTest, ThreadsGiveTheSameResult) {
  const Frame large = random_cluster(GetParam().sizes.species, 400, 24.0, 5);
  const FrameResult one = FrameEvaluator(potential, Precision::double_precision, 1).evaluate(large);
  const FrameResult three = FrameEvaluator(potential, Precision::double_precision, 3).evaluate(large);
  EXPECT_NEAR(three.energy, one.energy, 1e-9);
  for (std::size_t n = 0; n < one.forces.size(); ++n) EXPECT_NEAR(three.forces[n], one.forces[n], 1e-9);
  for (std::size_t n = 0; n < 9; ++n) EXPECT_NEAR(three.virial[n], one.virial[n], 1e-8);
}

// Kernels are compiled once for every instruction set; the processor here has several of them.
TEST_P(ReannModelTest, InstructionSetsGiveTheSameResult) {
  const auto evaluate = [&](std::int64_t target, Precision precision) {
    hwy::SetSupportedTargetsForTest(target);
    FrameResult result = FrameEvaluator(potential, precision, 1).evaluate(frame);
    hwy::SetSupportedTargetsForTest(0);
    return result;
  };
  std::int64_t rest = hwy::SupportedTargets() & (HWY_AVX3 | HWY_AVX2 | HWY_SSE4 | HWY_NEON);
  const std::int64_t best = rest & -rest;
  const FrameResult exact = evaluate(best, Precision::double_precision);
  double largest = 1;
  for (const double force : exact.forces) largest = std::max(largest, std::abs(force));
  for (; rest != 0; rest &= rest - 1) {
    const FrameResult other = evaluate(rest & -rest, Precision::double_precision);
    const FrameResult mixed = evaluate(rest & -rest, Precision::mixed);
    EXPECT_NEAR(other.energy, exact.energy, 1e-11 * frame.atoms() * largest) << hwy::TargetName(rest & -rest);
    for (std::size_t n = 0; n < 9; ++n) {
      EXPECT_NEAR(other.virial[n], exact.virial[n], 1e-9 * largest) << hwy::TargetName(rest & -rest);
      EXPECT_NEAR(mixed.virial[n], exact.virial[n], 1e-3 * largest) << hwy::TargetName(rest & -rest);
    }
    for (std::size_t n = 0; n < exact.forces.size(); ++n) {
      EXPECT_NEAR(other.forces[n], exact.forces[n], 1e-11 * largest) << hwy::TargetName(rest & -rest);
      EXPECT_NEAR(mixed.forces[n], exact.forces[n], 3e-5 * largest) << hwy::TargetName(rest & -rest);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ReannModelTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(ReannSmoothness, EnergyAndForceVanishAtTheCutoff) {
  const reann::Parameters parameters = random_parameters({.layers = 1}, 3);
  const reann::ReannPotential potential(parameters);
  FrameEvaluator evaluator(potential, Precision::double_precision, 1);
  const auto dimer = [&](double r) {
    Frame frame;
    frame.symbols = {"Ni", "O"};
    frame.positions = {0, 0, 0, r, 0, 0};
    return evaluator.evaluate(frame);
  };
  const double apart = dimer(parameters.cutoff + 1).energy;
  EXPECT_NEAR(dimer(parameters.cutoff - 1e-3).energy, apart, 1e-10);
  EXPECT_NEAR(dimer(parameters.cutoff - 1e-3).forces[0], 0, 1e-7);
  EXPECT_EQ(dimer(parameters.cutoff + 1e-9).energy, apart);
  EXPECT_GT(std::abs(dimer(2.0).forces[0]), 1e-3);
}

// Numbers that small are many times slower than others.
TEST(RadialTable, NarrowFunctionsLeaveNoDenormalNumbers) {
  constexpr double end = 5;
  const auto narrow = [](int, int k, double r) {
    const double off = r - k;
    return std::exp(-9 * off * off) * std::pow(1 - r / end, 4);
  };
  const std::optional<reann::RadialTable> table = reann::RadialTable::make(1, 5, 8, end, narrow);
  ASSERT_TRUE(table.has_value());
  for (const float coefficient : table->coefficient)
    EXPECT_TRUE(coefficient == 0 || std::abs(coefficient) > 1e-24f) << coefficient;
}

TEST(RadialTable, WavesOfManySpeciesAreTooManyForATable) {
  const auto wave = [](int, int, double r) { return std::exp(-9 * r * r); };
  EXPECT_TRUE(reann::RadialTable::make(4, 16, 16, 5, wave).has_value());
  EXPECT_FALSE(reann::RadialTable::make(118, 256, 256, 5, wave).has_value());
}

TEST(AngularBasis, CountsDistinctComponentsWithMultinomialWeights) {
  const reann::AngularBasis basis(3);
  EXPECT_EQ(basis.size(), 1 + 3 + 6 + 10);
  for (int order = 0; order <= 3; ++order) {
    double sum = 0;
    for (int p = basis.first(order); p < basis.first(order + 1); ++p) sum += basis.multiplicity(p);
    EXPECT_EQ(sum, std::pow(3, order));
  }
}

TEST(AngularBasis, GradientEqualsFiniteDifferences) {
  const reann::AngularBasis basis(4);
  std::vector<double> value(basis.size());
  std::vector<double> weight(basis.size());
  for (int p = 0; p < basis.size(); ++p) weight[p] = 0.3 * p - 1;
  const double d[3] = {0.7, -1.1, 0.4};
  const auto sum = [&](int axis, double by) {
    double moved[3] = {d[0], d[1], d[2]};
    moved[axis] += by;
    basis.evaluate(moved, value.data());
    double total = 0;
    for (int p = 0; p < basis.size(); ++p) total += weight[p] * value[p];
    return total;
  };
  double gradient[3] = {};
  basis.evaluate(d, value.data());
  for (int p = 0; p < basis.size(); ++p)
    for (int x = 0; x < 3; ++x)
      if (basis.power(p, x) > 0) gradient[x] += weight[p] * basis.power(p, x) * value[basis.lower(p, x)];
  for (int x = 0; x < 3; ++x) EXPECT_NEAR(gradient[x], (sum(x, 1e-5) - sum(x, -1e-5)) / 2e-5, 1e-7);
}

}  // namespace
}  // namespace grapevine::test
