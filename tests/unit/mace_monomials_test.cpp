#include "models/mace/monomials.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <numeric>
#include <vector>

#include "equivariant_random.hpp"
#include "mace_random.hpp"

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

TEST(ContractionPlan, UnfoldsGradientsByTheTransposedMap) {
  test::MaceSizes sizes;
  sizes.species = {"H", "C", "O"};
  const std::vector<Contraction> contractions = random_parameters(sizes, 8).interactions.front().contractions;
  const ContractionPlan plan(contractions);
  EXPECT_EQ(plan.fold(contractions, 2, sizes.channels), folded_coefficients(contractions, 2, sizes.channels));

  test::Random random(1);
  const int count = static_cast<int>(plan.monomials().coefficients()) * sizes.channels;
  const std::vector<double> by_coefficients = random(count, -1, 1);
  std::vector<Contraction> gradient = contractions;
  plan.unfold(by_coefficients, 2, sizes.channels, gradient);
  plan.unfold(by_coefficients, 2, sizes.channels, gradient);
  std::vector<Contraction> direction = contractions;
  double by_weights = 0;
  for (std::size_t n = 0; n < contractions.size(); ++n)
    for (std::size_t w = 0; w < contractions[n].weight.size(); ++w) {
      direction[n].weight[w] = random(-1, 1);
      by_weights += direction[n].weight[w] * (gradient[n].weight[w] - contractions[n].weight[w]);
    }
  const std::vector<double> folded = plan.fold(direction, 2, sizes.channels);
  EXPECT_NEAR(by_weights, 2 * std::inner_product(folded.begin(), folded.end(), by_coefficients.begin(), 0.0), 1e-10);
}

}  // namespace
}  // namespace grapevine::mace
