#include "models/equivariant/linear-inl.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "dual_blocks.hpp"
#include "equivariant_random.hpp"
#include "models/equivariant/training/linear_gradient-inl.hpp"

namespace grapevine::equivariant {
namespace {

using namespace HWY_NAMESPACE;
using test::NumbersOfBlock;
using test::Random;

struct LinearCase {
  IrrepsList from{{5, 0, 1}, {18, 1, -1}, {3, 0, 1}};
  IrrepsList to{{17, 0, 1}, {4, 1, -1}};
  Random random{5};
  EquivariantLinear linear = test::random_linear(from, to, 1, false, random);
  int atoms = 3;
  NumbersOfBlock x = random_block(Layout(from), atoms, random);
  NumbersOfBlock x_change = random_block(Layout(from), atoms, random);
  NumbersOfBlock dy = random_block(Layout(to), atoms, random);
  NumbersOfBlock dy_change = random_block(Layout(to), atoms, random);

  void add_to(LinearGradient<double>& gradient) const {
    gradient.add(atoms, with_changes(x, x_change).features(), with_changes(dy, dy_change).features());
  }

  /// d/d step of dy . y at a map, with everything that changes moved along.
  double moving(const EquivariantLinear& at) const {
    return test::slope_of_number([&](double step) {
      NumbersOfBlock y(dy.layout, atoms);
      LinearKernel<double>(at).add(atoms, moved(x, step, x_change).features(), y.features());
      return dot(moved(dy, step, dy_change), y);
    });
  }
};

TEST(LinearGradient, IsTheChangeOfTheGradientByTheWeights) {
  const LinearCase of;
  LinearGradient<double> sum(of.linear);
  of.add_to(sum);
  EquivariantLinear gradient = of.linear;
  for (EquivariantLinear::Part& part : gradient.parts) std::fill(part.weight.begin(), part.weight.end(), 0);
  sum.add_to(gradient);
  ASSERT_EQ(gradient.parts.size(), 3U);
  for (std::size_t p = 0; p < of.linear.parts.size(); ++p)
    for (std::size_t w = 0; w < of.linear.parts[p].weight.size(); w += 7) {
      EquivariantLinear up = of.linear, down = of.linear;
      up.parts[p].weight[w] += 0.5;
      down.parts[p].weight[w] -= 0.5;
      EXPECT_NEAR(gradient.parts[p].weight[w], of.moving(up) - of.moving(down), 1e-8) << p << ' ' << w;
    }
}

TEST(LinearGradient, SumsBlocksAndOtherSums) {
  const LinearCase of;
  LinearGradient<double> once(of.linear), twice(of.linear);
  of.add_to(twice);
  twice.clear();
  of.add_to(once);
  of.add_to(twice);
  twice.add(once);
  EquivariantLinear one = of.linear, two = of.linear;
  once.add_to(one);
  twice.add_to(two);
  for (std::size_t p = 0; p < one.parts.size(); ++p)
    for (std::size_t w = 0; w < one.parts[p].weight.size(); ++w)
      EXPECT_NEAR(two.parts[p].weight[w] - of.linear.parts[p].weight[w],
                  2 * (one.parts[p].weight[w] - of.linear.parts[p].weight[w]), 1e-12);
}

TEST(RowGradient, IsTheSumOfChangesOverAtoms) {
  const LinearCase of;
  const Layout layout(of.to);
  RowGradient<double> sum(layout), other(layout);
  other.add(of.atoms, with_changes(of.dy_change, of.dy).features());
  sum.add(of.atoms, with_changes(of.dy_change, of.dy_change).features());
  sum.clear();
  sum.add(of.atoms, with_changes(of.dy, of.dy_change).features());
  sum.add(other);
  ASSERT_EQ(sum.numbers().size(), static_cast<std::size_t>(layout.size()));
  for (int i = 0; i < layout.count(); ++i)
    for (std::ptrdiff_t n = 0; n < layout.size(i); ++n) {
      double expected = 0;
      for (int a = 0; a < of.atoms; ++a)
        expected += of.dy_change.of(i)[a * layout.size(i) + n] + of.dy.of(i)[a * layout.size(i) + n];
      EXPECT_NEAR(sum.numbers()[static_cast<std::size_t>(layout.offset(i) + n)], expected, 1e-13);
    }
}

}  // namespace
}  // namespace grapevine::equivariant
