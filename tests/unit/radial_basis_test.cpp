#include "models/equivariant/radial_basis.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "models/equivariant/radial_weights.hpp"

namespace grapevine::equivariant {
namespace {

struct BasisCase {
  std::string name;
  BasisKind kind = BasisKind::bessel;
  TransformKind transform = TransformKind::none;
  CutoffKind cutoff = CutoffKind::polynomial;
};

void PrintTo(const BasisCase& test, std::ostream* stream) { *stream << test.name; }

RadialBasis basis_of(const BasisCase& test) {
  RadialBasis basis;
  basis.kind = test.kind;
  basis.cutoff = 5;
  basis.frequency = {0.7, 1.3, 2.1};
  basis.centre = {0.2, 1.0, 2.5};
  basis.width = 0.8;
  basis.prefactor = 0.6;
  basis.transform.kind = test.transform;
  basis.transform.length = 1.4;
  basis.cutoff_kind = test.cutoff;
  basis.cutoff_onset = 4.3;
  return basis;
}

double slope_by_differences(const auto& function, double r) {
  const double h = 1e-4;
  return (8 * (function(r + h) - function(r - h)) - (function(r + 2 * h) - function(r - 2 * h))) / (12 * h);
}

class RadialBasisTest : public testing::TestWithParam<BasisCase> {};

TEST_P(RadialBasisTest, SlopesAreThoseOfTheValues) {
  const RadialBasis basis = basis_of(GetParam());
  const auto value = [&](double r, std::size_t n) {
    std::vector<double> values, slopes;
    basis.evaluate(r, values, slopes);
    return values[n];
  };
  std::vector<double> values, slopes;
  for (const double r : {0.3, 0.9, 1.4, 2.2, 3.7, 4.9}) {
    basis.evaluate(r, values, slopes);
    ASSERT_EQ(slopes.size(), 3U);
    for (std::size_t n = 0; n < slopes.size(); ++n)
      EXPECT_NEAR(slopes[n], slope_by_differences([&](double at) { return value(at, n); }, r), 1e-9) << r << " " << n;
  }
}

TEST_P(RadialBasisTest, SlopeOfTheDensityIsThatOfItsValue) {
  RadialWeights weights{basis_of(GetParam()), {{{3, 1, {1, 0, 0}, {}}}, {}}, {1}, {0}, 2, {0.9, -0.4, 1.1}};
  ASSERT_EQ(weights.columns(), 2);
  const auto density = [&](double r) {
    std::vector<double> values, slopes;
    weights.evaluate(r, values, slopes);
    return values.back();
  };
  std::vector<double> values, slopes;
  for (const double r : {0.9, 1.4, 2.2, 3.7}) {
    weights.evaluate(r, values, slopes);
    EXPECT_GE(values.back(), 0);
    EXPECT_LT(values.back(), 1);
    EXPECT_NEAR(slopes.back(), slope_by_differences(density, r), 1e-9) << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RadialBasisTest,
                         testing::Values(BasisCase{"bessel"},
                                         BasisCase{"bessel_xplor", BasisKind::bessel, TransformKind::none,
                                                   CutoffKind::xplor},
                                         BasisCase{"bessel_agnesi", BasisKind::bessel, TransformKind::agnesi},
                                         BasisCase{"bessel_soft", BasisKind::bessel, TransformKind::soft},
                                         BasisCase{"gaussian", BasisKind::gaussian},
                                         BasisCase{"gaussian_agnesi", BasisKind::gaussian, TransformKind::agnesi},
                                         BasisCase{"gaussian_soft", BasisKind::gaussian, TransformKind::soft}),
                         [](const auto& test) { return test.param.name; });

// At r_0 Agnesi's function is 1 / (1 + a / 2), and far from the interval the soft one leaves the distance or is s.
TEST(DistanceTransform, HasTheValuesOfItsFormula) {
  DistanceTransform transform{TransformKind::agnesi, 1.4};
  EXPECT_NEAR(transformed_distance(transform, 1.4).value, 1 / (1 + 1.0805 / 2), 1e-14);
  EXPECT_NEAR(transformed_distance(transform, 1e-6).value, 1, 1e-12);
  transform.kind = TransformKind::soft;
  EXPECT_NEAR(transformed_distance(transform, 50).value, 50, 1e-12);
  EXPECT_NEAR(transformed_distance(transform, 1e-9).value, 0.75 * 1.4, 0.01);
  transform.kind = TransformKind::none;
  EXPECT_EQ(transformed_distance(transform, 2.5).value, 2.5);
}

}  // namespace
}  // namespace grapevine::equivariant
