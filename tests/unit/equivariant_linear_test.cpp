#include "models/equivariant/linear.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace grapevine::equivariant {
namespace {

TEST(ComposedLinear, IsTheFirstMapThenTheSecond) {
  const IrrepsList one = {{2, 0, 1}, {1, 0, 1}};
  const IrrepsList two = {{2, 0, 1}};
  const EquivariantLinear first{one, two, {{0, 0, {1, 2, 3, 4}}, {1, 0, {5, 6}}}, {}};
  const EquivariantLinear second{two, one, {{0, 0, {1, 0, 1, 1}}, {0, 1, {2, 3}}}, {}};
  const EquivariantLinear both = composed(first, second);
  EXPECT_EQ(both.inputs, one);
  EXPECT_EQ(both.outputs, one);
  ASSERT_EQ(both.parts.size(), 4U);
  EXPECT_EQ(both.parts[0].weight, (std::vector<double>{3, 2, 7, 4}));
  EXPECT_EQ(both.parts[1].weight, (std::vector<double>{8, 18}));
  EXPECT_EQ(both.parts[2].weight, (std::vector<double>{11, 6}));
  EXPECT_EQ(both.parts[3].weight, (std::vector<double>{28}));
}

}  // namespace
}  // namespace grapevine::equivariant
