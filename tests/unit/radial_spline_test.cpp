#include "models/equivariant/radial_spline.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "models/equivariant/radial_splines.hpp"
#include "nequip_random.hpp"

namespace grapevine::equivariant {
namespace {

/// Value and slope of a column at distance r.
struct Point {
  double value, slope;
};

Point evaluate(const RadialSpline& spline, double r, int column) {
  const int interval = std::min(static_cast<int>(r / spline.spacing), spline.intervals - 1);
  const double x = 2 * (r / spline.spacing - interval) - 1;
  Point p{0, 0};
  for (int k = RadialSpline::coefficients - 1; k >= 0; --k) {
    p.slope = p.slope * x + p.value;
    p.value = p.value * x + spline.coefficient[static_cast<std::size_t>(
                                (interval * RadialSpline::coefficients + k) * spline.columns + column)];
  }
  p.slope *= 2 / spline.spacing;
  return p;
}

class RadialSplineTest : public testing::TestWithParam<CutoffKind> {
 protected:
  RadialWeights weights() const {
    RadialWeights weights = nequip::radial_weights(test::random_parameters(test::NequipSizes{}, 3))[0];
    weights.basis.cutoff = 4;
    weights.basis.cutoff_kind = GetParam();
    weights.basis.cutoff_power = 6;
    weights.basis.cutoff_onset = 3.4;
    return weights;
  }
};

TEST_P(RadialSplineTest, IsAsNearTheNetworkAsItSays) {
  const RadialWeights p = weights();
  const RadialSpline spline = RadialSpline::fit(p, 1e-7, 1 << 26);
  EXPECT_LE(spline.error, 1e-7);
  std::vector<double> value, slope;
  double largest = 0, difference = 0, slope_difference = 0;
  for (double r = RadialSpline::least_distance; r < p.basis.cutoff; r += 0.0137) {
    p.evaluate(r, value, slope);
    for (int c = 0; c < spline.columns; ++c) {
      const Point point = evaluate(spline, r, c);
      largest = std::max(largest, std::abs(value[static_cast<std::size_t>(c)]));
      difference = std::max(difference, std::abs(point.value - value[static_cast<std::size_t>(c)]));
      slope_difference = std::max(slope_difference, std::abs(point.slope - slope[static_cast<std::size_t>(c)]));
    }
  }
  EXPECT_LT(difference, 2e-7 * largest);
  EXPECT_LT(slope_difference, 2e-5 * largest);
}

TEST_P(RadialSplineTest, ValueAndSlopeAreContinuous) {
  const RadialWeights p = weights();
  const RadialSpline spline = RadialSpline::fit(p, 1e-7, 1 << 26);
  for (int n = 10; n < spline.intervals; ++n)
    for (int c = 0; c < spline.columns; ++c) {
      const Point left = evaluate(spline, n * spline.spacing - 1e-9, c);
      const Point right = evaluate(spline, n * spline.spacing + 1e-9, c);
      EXPECT_NEAR(left.value, right.value, 1e-6);
      EXPECT_NEAR(left.slope, right.slope, 1e-5);
    }
}

TEST_P(RadialSplineTest, VanishesAtTheCutoff) {
  const RadialWeights p = weights();
  const RadialSpline spline = RadialSpline::fit(p, 1e-7, 1 << 26);
  for (int c = 0; c < spline.columns; ++c) EXPECT_NEAR(evaluate(spline, p.basis.cutoff - 1e-9, c).value, 0, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Cutoffs, RadialSplineTest, testing::Values(CutoffKind::polynomial, CutoffKind::xplor));

// A file of less than a megabyte, whose weights vary too fast for the first, coarse tables.
TEST(RadialSpline, TablesDoNotOutgrowASmallPotential) {
  nequip::Parameters p;
  p.basis.cutoff = 5;
  p.basis.frequency = {300};
  nequip::Interaction& x = p.interactions.emplace_back();
  x.input = {{64, 0, 1}};
  x.paths.assign(1023, {0, 0, 0, 1});
  x.radial.layers = {{1, 64 * 1023, std::vector<double>(64 * 1023, 0.01), {}}};
  const double room = 64 << 20;
  const RadialSpline spline = RadialSpline::fit(nequip::radial_weights(p)[0], 1e-7, room);
  EXPECT_LT(static_cast<double>(spline.coefficient.size()) * sizeof(double), room);
  EXPECT_GT(spline.error, 1e-6);
  EXPECT_FALSE(RadialSplines({nequip::radial_weights(p), {}}, p.count()).bearable())
      << "then the networks are evaluated";
}

}  // namespace
}  // namespace grapevine::equivariant
