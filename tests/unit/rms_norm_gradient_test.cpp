#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "dual_blocks.hpp"
#include "equivariant_random.hpp"
#include "models/equivariant/rms_norm-inl.hpp"
#include "models/equivariant/training/rms_norm_gradient-inl.hpp"

namespace grapevine::equivariant {
namespace {

using namespace HWY_NAMESPACE;
using test::NumbersOfBlock;
using test::Random;

NumbersOfBlock normalised(const RmsNorm& norm, const NumbersOfBlock& z) {
  NumbersOfBlock n(z.layout, z.atoms);
  std::vector<double> inverse(z.atoms);
  RmsNormKernel<double>(norm, z.layout).forward(z.atoms, z.features(), n.features(), inverse.data());
  return n;
}

/// dE/dz
NumbersOfBlock gradient(const RmsNorm& norm, const NumbersOfBlock& z, NumbersOfBlock d) {
  const RmsNormKernel<double> kernel(norm, z.layout);
  NumbersOfBlock n(z.layout, z.atoms);
  std::vector<double> inverse(z.atoms);
  kernel.forward(z.atoms, z.features(), n.features(), inverse.data());
  kernel.backward(z.atoms, z.features(), inverse.data(), d.features());
  return d;
}

struct NormCase {
  Layout layout{{{5, 0, 1}, {17, 1, -1}, {2, 2, 1}}};
  Random random{9};
  RmsNorm norm{{0.2, 0.05, 0.3}, random(24, 0.5, 1.5), 0.1};
  int atoms = 3;
  NumbersOfBlock z = random_block(layout, atoms, random);
  NumbersOfBlock z_change = random_block(layout, atoms, random);
  NumbersOfBlock d = random_block(layout, atoms, random);
  NumbersOfBlock d_change = random_block(layout, atoms, random);

  std::vector<double> gradient_by_weights() const {
    RmsNormGradient<double> sum(layout), unused(layout);
    const RmsNormKernel<double> kernel(norm, layout);
    unused.add(atoms, kernel, with_changes(z, z_change).features(), with_changes(d, d_change).features());
    sum.add(unused);
    sum.add(unused);
    unused.clear();
    sum.add(unused);
    std::vector<double> weight(norm.weight.size(), 1);
    sum.add_to(weight);
    for (double& value : weight) value = (value - 1) / 2;
    return weight;
  }

  /// d/d step of d . n at a norm, with everything that changes moved along.
  double moving(const RmsNorm& at) const {
    return test::slope_of_number(
        [&](double step) { return dot(moved(d, step, d_change), normalised(at, moved(z, step, z_change))); });
  }
};

TEST(RmsNormForward, CarriesChanges) {
  const NormCase of;
  NumbersOfBlock both(of.layout, 2 * of.atoms);
  std::vector<double> inverse(of.atoms);
  RmsNormKernel<double>(of.norm, of.layout)
      .forward<1>(of.atoms, with_changes(of.z, of.z_change).features(), both.features(), inverse.data());
  EXPECT_LT(greatest_difference(plane_of(both, 0), normalised(of.norm, of.z)), 1e-14);
  const auto expected =
      test::slope_of([&](double step) { return normalised(of.norm, moved(of.z, step, of.z_change)); });
  EXPECT_LT(greatest_difference(plane_of(both, 1), expected), 1e-8);
}

TEST(RmsNormBackward, IsTheGradientAndCarriesChanges) {
  const NormCase of;
  const NumbersOfBlock dz = gradient(of.norm, of.z, of.d);
  const auto energy = [&](double step) { return dot(of.d, normalised(of.norm, moved(of.z, step, of.z_change))); };
  EXPECT_NEAR(dot(dz, of.z_change), test::slope_of_number(energy), 1e-8);

  NumbersOfBlock both = with_changes(of.d, of.d_change);
  std::vector<double> inverse(of.atoms);
  RmsNormKernel<double>(of.norm, of.layout)
      .backward<1>(of.atoms, with_changes(of.z, of.z_change).features(), inverse.data(), both.features());
  EXPECT_LT(greatest_difference(plane_of(both, 0), dz), 1e-13);
  const auto expected = test::slope_of(
      [&](double step) { return gradient(of.norm, moved(of.z, step, of.z_change), moved(of.d, step, of.d_change)); });
  EXPECT_LT(greatest_difference(plane_of(both, 1), expected), 1e-8);
}

TEST(RmsNormGradient, IsTheChangeOfTheGradientByTheWeights) {
  const NormCase of;
  const std::vector<double> by_weights = of.gradient_by_weights();
  for (std::size_t w = 0; w < by_weights.size(); ++w) {
    RmsNorm up = of.norm, down = of.norm;
    up.weight[w] += 0.5;
    down.weight[w] -= 0.5;
    EXPECT_NEAR(by_weights[w], of.moving(up) - of.moving(down), 1e-8) << w;
  }
}

}  // namespace
}  // namespace grapevine::equivariant
