#include "structures/close_gaps.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grapevine {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;

std::vector<double> moved(const std::vector<double>& places, const ClosedGaps& closed) {
  std::vector<double> result;
  for (std::size_t i = 0; i < places.size(); ++i) result.push_back(places[i] + closed.moves[i]);
  return result;
}

TEST(CloseGaps, MakesWideGapsOnALineAsWideAsTheyMayBe) {
  const std::vector<double> places{107, 3, 5, 100};
  const ClosedGaps closed = close_gaps(places, 10, false);
  EXPECT_THAT(moved(places, closed), ElementsAre(19, 0, 2, 12));
  EXPECT_THAT(closed.length, DoubleEq(19));
}

TEST(CloseGaps, LeavesALineWithoutWideGapsAsItIs) {
  const ClosedGaps closed = close_gaps({3, 5, 6}, 10, false);
  EXPECT_THAT(closed.moves, ElementsAre(-3, -3, -3));
  EXPECT_THAT(closed.length, DoubleEq(3));
}

TEST(CloseGaps, BeginsACircleBehindItsWidestGap) {
  const std::vector<double> places{-0.49, 0, 0.01, 0.48};
  const ClosedGaps closed = close_gaps(places, 0.1, true);
  EXPECT_THAT(moved(places, closed), ElementsAre(DoubleNear(0.14, 1e-15), DoubleNear(0, 1e-15), DoubleNear(0.01, 1e-15),
                                                 DoubleNear(0.11, 1e-15)));
  EXPECT_THAT(closed.length, DoubleNear(0.24, 1e-15));
}

TEST(CloseGaps, KeepsWhatIsTogetherAcrossTheEndOfACircle) {
  const std::vector<double> places{-0.49, 0.48, 0};
  const ClosedGaps closed = close_gaps(places, 0.1, true);
  const std::vector<double> places_now = moved(places, closed);
  EXPECT_NEAR(places_now[0] - places_now[1], 0.03, 1e-15);
  EXPECT_NEAR(closed.length, 0.23, 1e-15);
}

TEST(CloseGaps, LeavesACircleWithoutWideGapsAsLongAsItIs) {
  EXPECT_DOUBLE_EQ(close_gaps({0.1, 0.4, 0.8}, 0.5, true).length, 1);
  EXPECT_DOUBLE_EQ(close_gaps({0.3}, 2, true).length, 1);
  EXPECT_DOUBLE_EQ(close_gaps({0.3}, 0.25, true).length, 0.25);
}

}  // namespace
}  // namespace grapevine
