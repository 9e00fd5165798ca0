#include "report/histogram.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Histogram, CountsValuesInTheirBins) {
  const std::vector<double> values{-1, -0.5, -0.49, 0.1, 0.2, 0.99};
  const Histogram histogram = Histogram::of(values, -1, 1, 4);
  EXPECT_THAT(histogram.counts, ElementsAre(1, 2, 2, 1));
  EXPECT_DOUBLE_EQ(histogram.width(), 0.5);
}

TEST(Histogram, HasBothEndsAndTellsOfValuesBeyond) {
  const std::vector<double> values{
      -2, -1, 1, 1.1, 7, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()};
  const Histogram histogram = Histogram::of(values, -1, 1, 2);
  EXPECT_THAT(histogram.counts, ElementsAre(1, 1));
  EXPECT_EQ(histogram.below, 1u);
  EXPECT_EQ(histogram.above, 2u);
}

TEST(Histogram, LosesNothing) {
  std::vector<double> values(10000);
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  for (double& value : values) value = normal(random);
  const Histogram histogram = Histogram::of(values, -2.5, 1.7, 37);
  EXPECT_EQ(std::accumulate(histogram.counts.begin(), histogram.counts.end(), histogram.below + histogram.above),
            values.size());
}

ErrorHistogram with_errors(const std::vector<double>& errors) {
  ErrorHistogram histogram{"Errors", "meV", errors, {}};
  for (const double error : errors) histogram.statistics.add(0, error, {});
  return histogram;
}

TEST(ErrorHistogram, IsDrawnOfAnyErrors) {
  const std::vector<std::vector<double>> cases{
      {0.0}, {0.0, 0.0}, {-3e-3}, {1e-12, 2.0}, std::vector<double>(5000, 0.1)};
  for (const std::vector<double>& errors : cases)
    EXPECT_THAT(svg_of(error_histogram(with_errors(errors))), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace grapevine
