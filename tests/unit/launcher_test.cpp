#include "parallel/launcher.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "parallel/ranks.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using test::error_of;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr const char* variables[] = {"PMI_RANK", "PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE"};

class LauncherTest : public ::testing::Test {
 protected:
  void SetUp() override { clear(); }
  void TearDown() override { clear(); }
  static void clear() {
    for (const char* variable : variables) unsetenv(variable);
  }
};

TEST_F(LauncherTest, NoneWithoutVariables) {
  EXPECT_EQ(find_launcher().kind, LauncherKind::none);
  EXPECT_EQ(join_ranks()->size(), 1);
}

TEST_F(LauncherTest, HydraSaysRankAndSize) {
  setenv("PMI_RANK", "2", 1);
  setenv("PMI_SIZE", "3", 1);
  const Launcher launcher = find_launcher();
  EXPECT_EQ(launcher.kind, LauncherKind::pmi);
  EXPECT_EQ(launcher.rank, 2);
  EXPECT_EQ(launcher.size, 3);
  setenv("PMI_SIZE", "many", 1);
  EXPECT_THAT(error_of(find_launcher), AllOf(HasSubstr("PMI_SIZE=many"), HasSubstr("unset")));
}

TEST_F(LauncherTest, OneRankNeedsNoMpi) {
  setenv("PMI_RANK", "0", 1);
  setenv("PMI_SIZE", "1", 1);
  const auto ranks = join_ranks();
  EXPECT_EQ(ranks->size(), 1);
  double value = 3;
  ranks->sum(std::span(&value, 1));
  EXPECT_EQ(value, 3);
}

TEST_F(LauncherTest, PmixSaysNoSize) {
  setenv("PMIX_RANK", "1", 1);
  EXPECT_EQ(find_launcher().kind, LauncherKind::pmix);
  EXPECT_EQ(find_launcher().size, 0);
}

TEST_F(LauncherTest, OpenMpiIsRefusedUnlessItIsOneRank) {
  setenv("PMIX_RANK", "0", 1);
  setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
  EXPECT_THAT(error_of([] { join_ranks(); }), AllOf(HasSubstr("Open MPI"), HasSubstr("2 ranks"), HasSubstr("MPICH")));
  setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
  EXPECT_EQ(join_ranks()->size(), 1);
}

TEST_F(LauncherTest, AloneTheExceptionPasses) {
  const auto action = [](Ranks&) { throw Error("no such file"); };
  EXPECT_EQ(error_of([&] { run_on_ranks(action, [](const std::string&) { FAIL(); }); }), "no such file");
}

}  // namespace
}  // namespace grapevine
