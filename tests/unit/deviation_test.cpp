#include "committee/deviation.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <random>

namespace grapevine {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;

TEST(ForceDeviation, IsTheRootMeanSquareDistanceFromTheMean) {
  // Means (2, 0, 0) and (0, 0, 1); distances from them 1, 1 and 3, 3.
  const std::array<double, 6> first{1, 0, 0, 0, 0, 4};
  const std::array<double, 6> second{3, 0, 0, 0, 0, -2};
  ForceDeviation deviation;
  deviation.start(2);
  deviation.add(first);
  deviation.add(second);
  EXPECT_THAT(deviation.finish(1), ElementsAre(1, 3));
}

TEST(ForceDeviation, AgreesWithTwoPassesOverRandomForces) {
  constexpr std::size_t atoms = 7;
  constexpr std::size_t models = 5;
  std::mt19937 random(3);
  std::normal_distribution<double> normal(100, 0.5);  // far from zero, where squares would cancel
  std::array<std::array<double, 3 * atoms>, models> forces{};
  ForceDeviation deviation;
  deviation.start(atoms);
  for (auto& of_model : forces) {
    for (double& f : of_model) f = normal(random);
    deviation.add(of_model);
  }
  const std::span<const double> found = deviation.finish(2);
  for (std::size_t i = 0; i < atoms; ++i) {
    double squares = 0;
    for (std::size_t k = 3 * i; k < 3 * i + 3; ++k) {
      double mean = 0;
      for (const auto& of_model : forces) mean += of_model[k] / models;
      for (const auto& of_model : forces) squares += (of_model[k] - mean) * (of_model[k] - mean);
    }
    EXPECT_THAT(found[i], DoubleNear(2 * std::sqrt(squares / models), 1e-12));
  }
}

TEST(ForceDeviation, IsExactlyZeroForEqualModels) {
  const std::array<double, 6> forces{0.1, 0.2, 0.3, 1e10, -1.0 / 3, 1e-10};
  ForceDeviation deviation;
  deviation.start(2);
  for (int model = 0; model < 7; ++model) deviation.add(forces);
  EXPECT_THAT(deviation.finish(1), Each(0.0));
}

TEST(ForceDeviation, StartsAfresh) {
  ForceDeviation deviation;
  deviation.start(1);
  deviation.add(std::array<double, 3>{5, 5, 5});
  deviation.add(std::array<double, 3>{0, 0, 0});
  deviation.finish(1);
  deviation.start(2);
  for (const double x : {4.0, 2.0}) deviation.add(std::array<double, 6>{x, 0, 0, 0, 0, 0});
  EXPECT_THAT(deviation.finish(1), ElementsAre(1, 0));
}

TEST(StandardDeviation, DividesByTheNumberOfValues) {
  EXPECT_EQ(standard_deviation({}), 0);
  EXPECT_EQ(standard_deviation(std::array{3.7}), 0);
  EXPECT_EQ(standard_deviation(std::array{0.1, 0.1, 0.1}), 0);
  EXPECT_DOUBLE_EQ(standard_deviation(std::array{1.0, 3.0, 5.0, 7.0}), std::sqrt(5.0));
}

}  // namespace
}  // namespace grapevine
