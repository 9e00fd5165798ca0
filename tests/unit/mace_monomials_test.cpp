#include "models/mace/monomials.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace grapevine::mace {
namespace {

Contraction quadratic() {
  // B_0 = w_0 (2 A_1 + 3 A_0 A_2) + w_1 A_0 A_2, B_1 = w_0 A_0 A_0 A_3
  Contraction contraction;
  contraction.order = 1;
  contraction.paths = 2;
  contraction.terms = {{0, 0, {-1, -1, 1}, 2}, {0, 0, {-1, 0, 2}, 3}, {0, 1, {-1, 0, 2}, 1}, {1, 0, {0, 0, 3}, 5}};
  contraction.weight = {1, 2, 10, 20, 0.1, 0.2, 7, 8};  // [2 species][2 paths][2 channels]
  return contraction;
}

TEST(Monomials, AreNestedInEachOther) {
  const Monomials monomials({quadratic()});
  ASSERT_EQ(monomials.outputs.size(), 3U);
  EXPECT_EQ(monomials.outputs[0].singles, 2);  // A_0 holds A_0 A_2 only
  EXPECT_EQ(monomials.outputs[1].singles, 1);
  EXPECT_EQ(monomials.outputs[2].singles, 0);
  ASSERT_EQ(monomials.singles.size(), 3U);
  EXPECT_EQ(monomials.singles[0].i, 0);
  EXPECT_EQ(monomials.singles[0].pairs, 1);
  EXPECT_EQ(monomials.singles[1].i, 1);
  EXPECT_EQ(monomials.singles[1].pairs, 0);
  ASSERT_EQ(monomials.pairs.size(), 2U);
  EXPECT_EQ(monomials.pairs[0].j, 2);
  EXPECT_EQ(monomials.pairs[1].triples, 1);
  EXPECT_EQ(monomials.triples, std::vector<int>{3});
}

TEST(Monomials, HaveCoefficientsSummedOverPathsInTheOrderOfNesting) {
  const std::vector<double> first = {0, 0, 3 + 10, 6 + 20, 2, 4, 0, 0, 0, 0, 5, 10};
  EXPECT_EQ(folded_coefficients({quadratic()}, 0, 2), first);
  const std::vector<double> second = folded_coefficients({quadratic()}, 1, 2);
  ASSERT_EQ(second.size(), first.size());
  EXPECT_DOUBLE_EQ(second[2], 3 * 0.1 + 7);
  EXPECT_DOUBLE_EQ(second[11], 5 * 0.2);
}

}  // namespace
}  // namespace grapevine::mace
