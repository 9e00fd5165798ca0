#include "report/error_statistics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace grapevine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ErrorStatistics, AreThoseOfTheDefinitions) {
  ErrorStatistics errors;
  errors.add(1, 2, {0, 0});
  errors.add(5, 2, {3, 7});
  errors.add(-1, 1, {4, 1});
  EXPECT_EQ(errors.count(), 3u);
  EXPECT_DOUBLE_EQ(errors.mean_absolute(), 2);
  EXPECT_DOUBLE_EQ(errors.root_mean_square(), std::sqrt(14.0 / 3.0));
  EXPECT_DOUBLE_EQ(errors.maximum(), 3);
  EXPECT_EQ(errors.worst().frame, 3u);
  EXPECT_EQ(errors.worst().atom, 7);
}

TEST(ErrorStatistics, OfNothingAreZero) {
  const ErrorStatistics errors;
  EXPECT_EQ(errors.mean_absolute(), 0);
  EXPECT_EQ(errors.root_mean_square(), 0);
  EXPECT_FALSE(PotentialErrors().any());
}

TEST(ErrorStatistics, TableHasUnitsPlacesAndOnlyWhatThereIs) {
  PotentialErrors errors;
  errors.energy_per_atom.add(1, 1.002, {11, -1});
  errors.forces_of_species("Nb").add(0, 0.5, {2, 4});
  errors.forces_of_species("Nb").add(0, 0.5, {3, 4});
  EXPECT_EQ(errors.forces_of.size(), 1u);
  const std::string table = format_errors(errors);
  EXPECT_THAT(table, HasSubstr("2.0000"));
  EXPECT_THAT(table, HasSubstr("frame 12\n"));
  EXPECT_THAT(table, HasSubstr("on Nb"));
  EXPECT_THAT(table, HasSubstr("500.0000"));
  EXPECT_THAT(table, HasSubstr("frame 3 atom 5"));
  EXPECT_THAT(table, Not(HasSubstr("virial")));
}

}  // namespace
}  // namespace grapevine
