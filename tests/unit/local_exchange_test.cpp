#include "exchange/local/local_exchange.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

namespace grapevine {
namespace {

using ::testing::ElementsAre;

TEST(LocalExchange, GatherCopiesOwnersToGhosts) {
  const std::array owner{1, 0, 1};
  LocalExchange<double> exchange(2, owner);
  std::vector<double> field{1, 2, 3, 4, 9, 9, 9, 9, 9, 9};
  exchange.gather({field.data(), 2, 2});
  EXPECT_THAT(field, ElementsAre(1, 2, 3, 4, 3, 4, 1, 2, 3, 4));
}

TEST(LocalExchange, ScatterAddsGhostsToOwnersAndLeavesGhosts) {
  const std::array owner{1, 0, 1};
  LocalExchange<float> exchange(2, owner);
  std::vector<float> field{1, 2, 10, 20, 30};
  exchange.scatter_add({field.data(), 1, 1});
  EXPECT_THAT(field, ElementsAre(21, 42, 10, 20, 30));
}

TEST(LocalExchange, ScatterIsTheTransposeOfGather) {
  const std::array owner{0, 2, 2, 1, 0};
  const int own = 3, width = 4;
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> x((own + owner.size()) * width), y(x.size());
  for (auto& value : x) value = normal(random);
  for (auto& value : y) value = normal(random);
  LocalExchange<double> exchange(own, owner);
  std::vector<double> gathered = x, scattered = y;
  exchange.gather({gathered.data(), width, width});
  exchange.scatter_add({scattered.data(), width, width});
  double left = 0, right = 0;
  for (std::size_t k = 0; k < x.size(); ++k) left += gathered[k] * y[k];
  for (std::size_t k = 0; k < static_cast<std::size_t>(own * width); ++k) right += x[k] * scattered[k];
  EXPECT_NEAR(left, right, 1e-12);
}

TEST(LocalExchange, CountsWhatItMoves) {
  const std::array owner{0, 0, 0};
  LocalExchange<double> exchange(1, owner);
  std::vector<double> field(4 * 7);
  exchange.gather({field.data(), 7, 7});
  exchange.gather({field.data(), 2, 2});
  exchange.scatter_add({field.data(), 7, 7});
  EXPECT_EQ(exchange.tally().gathers, 2);
  EXPECT_EQ(exchange.tally().gather_atoms, 6);
  EXPECT_EQ(exchange.tally().gather_numbers, 27);
  EXPECT_EQ(exchange.tally().scatters, 1);
  EXPECT_EQ(exchange.tally().scatter_atoms, 3);
  EXPECT_EQ(exchange.tally().scatter_numbers, 21);
}

TEST(LocalExchange, RefusesAnOwnerThatIsNotAnOwnAtom) {
  const std::array too_large{2};
  const std::array negative{-1};
  EXPECT_THROW(LocalExchange<double>(2, too_large), std::out_of_range);
  EXPECT_THROW(LocalExchange<double>(2, negative), std::out_of_range);
}

}  // namespace
}  // namespace grapevine
