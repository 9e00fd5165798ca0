#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "dual_blocks.hpp"
#include "mace_random.hpp"
#include "models/mace/contraction-inl.hpp"

namespace grapevine::mace {
namespace {

using namespace HWY_NAMESPACE;
using equivariant::Layout;
using test::NumbersOfBlock;
using test::Random;

constexpr int channels = 18;
constexpr std::size_t species = 1;

Interaction first_interaction() {
  test::MaceSizes sizes;
  sizes.channels = channels;
  return random_parameters(sizes, 4).interactions.front();
}

struct ContractionCase {
  Interaction of = first_interaction();
  std::shared_ptr<const ContractionPlan> plan = std::make_shared<const ContractionPlan>(of.contractions);
  ContractionKernel<double> kernel{plan, of.contractions, species, channels};
  Layout message{of.message}, output{of.output};
  Random random{17};
  int atoms = 3;
  NumbersOfBlock a = random_block(message, atoms, random);
  NumbersOfBlock a_change = random_block(message, atoms, random);
  NumbersOfBlock db = random_block(output, atoms, random);
  NumbersOfBlock db_change = random_block(output, atoms, random);

  NumbersOfBlock run(const ContractionKernel<double>& with, const NumbersOfBlock& x) const {
    NumbersOfBlock b(output, atoms);
    with.run(atoms, x.features(), b.features());
    return b;
  }
  NumbersOfBlock gradient(const NumbersOfBlock& x, const NumbersOfBlock& d) const {
    NumbersOfBlock dx(message, atoms);
    kernel.differentiate(atoms, x.features(), d.features(), dx.features());
    return dx;
  }
  NumbersOfBlock gradient_of_duals(simd::AlignedVector<double>& d_coefficients) const {
    NumbersOfBlock dx(message, 2 * atoms);
    d_coefficients.resize(kernel.coefficient_size());
    kernel.differentiate_duals(atoms, with_changes(a, a_change).features(), with_changes(db, db_change).features(),
                               dx.features(), d_coefficients.data());
    return dx;
  }
};

TEST(ContractionGradient, CarriesChanges) {
  const ContractionCase of;
  const NumbersOfBlock da = of.gradient(of.a, of.db);
  EXPECT_NEAR(dot(da, of.a_change), test::slope_of_number([&](double step) {
                return dot(of.db, of.run(of.kernel, moved(of.a, step, of.a_change)));
              }),
              1e-6);

  simd::AlignedVector<double> unused;
  const NumbersOfBlock both = of.gradient_of_duals(unused);
  EXPECT_LT(greatest_difference(plane_of(both, 0), da), 1e-12);
  const NumbersOfBlock expected = test::slope_of(
      [&](double step) { return of.gradient(moved(of.a, step, of.a_change), moved(of.db, step, of.db_change)); });
  EXPECT_LT(greatest_difference(plane_of(both, 1), expected), 1e-6);
}

TEST(ContractionGradient, IsTheChangeOfTheGradientByTheCoefficients) {
  const ContractionCase of;
  simd::AlignedVector<double> sums;
  of.gradient_of_duals(sums);
  const simd::AlignedVector<double> once = sums;
  of.gradient_of_duals(sums);
  for (std::size_t n = 0; n < sums.size(); ++n) EXPECT_NEAR(sums[n], 2 * once[n], 1e-10);

  const std::size_t count = of.plan->monomials().coefficients() * channels;
  std::vector<double> by_coefficients(count, 1);
  of.kernel.add_coefficient_gradient(once.data(), by_coefficients.data());
  ContractionKernel<double> other = of.kernel;
  for (std::size_t n = 0; n < count; n += 5) {
    std::vector<double> unit(count);
    unit[n] = 1;
    other.set_coefficients(unit.data());
    const double expected = test::slope_of_number([&](double step) {
      return dot(moved(of.db, step, of.db_change), of.run(other, moved(of.a, step, of.a_change)));
    });
    ASSERT_NEAR(by_coefficients[n] - 1, expected, 1e-7) << n;
  }
}

TEST(ContractionKernel, TakesOtherCoefficients) {
  const ContractionCase of;
  ContractionKernel<double> other(of.plan, of.of.contractions, 0, channels);
  EXPECT_GT(greatest_difference(of.run(other, of.a), of.run(of.kernel, of.a)), 1e-3);
  other.set_coefficients(of.plan->fold(of.of.contractions, species, channels).data());
  EXPECT_EQ(greatest_difference(of.run(other, of.a), of.run(of.kernel, of.a)), 0);
}

}  // namespace
}  // namespace grapevine::mace
