#include "exchange/mpi/halo_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>

#include "support/error.hpp"
#include "world.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class HaloPlanTest : public MpiTest {
 protected:
  // The row each atom should have: that of the first ghost in use which is a copy of the same atom.
  std::vector<int> rows_of(const World& world) const {
    const RankAtoms& mine = world[rank];
    std::vector<int> rows;
    std::map<std::pair<int, int>, int> first;
    for (int atom = 0; atom < mine.own; ++atom) first[{rank, atom}] = atom;
    for (std::size_t g = 0; g < mine.ghosts.size(); ++g) {
      const Owner& owner = mine.ghosts[g];
      const int row = mine.own + static_cast<int>(g);
      const bool shares = mine.used[g] || owner.rank == rank;
      rows.push_back(shares ? first.try_emplace({owner.rank, owner.atom}, row).first->second : row);
    }
    return rows;
  }

  std::map<int, std::vector<int>> halo_rows_of(const World& world) const {
    const std::vector<int> rows = rows_of(world);
    const RankAtoms& mine = world[rank];
    std::map<int, std::map<int, int>> sorted;
    for (std::size_t g = 0; g < mine.ghosts.size(); ++g)
      if (mine.used[g] && mine.ghosts[g].rank != rank) sorted[mine.ghosts[g].rank][mine.ghosts[g].atom] = rows[g];
    std::map<int, std::vector<int>> result;
    for (const auto& [owner, row_of_atom] : sorted)
      for (const auto& [atom, row] : row_of_atom) result[owner].push_back(row);
    return result;
  }

  void expect_plan_of(const World& world, const HaloPlan& plan) const {
    EXPECT_EQ(plan.ghost_rows(), rows_of(world));
    std::map<int, std::vector<int>> sent;
    for (const auto& [holder, atoms] : world.sent(rank)) sent[holder].assign(atoms.begin(), atoms.end());
    expect_peers(halo_rows_of(world), plan.owners());
    expect_peers(sent, plan.holders());
    EXPECT_EQ(plan.halo_atoms(), atoms_in(world.halo(rank)));
    EXPECT_EQ(plan.sent_atoms(), atoms_in(world.sent(rank)));
  }

  static void expect_peers(const std::map<int, std::vector<int>>& expected, const std::vector<HaloPlan::Peer>& peers) {
    std::vector<std::pair<int, std::vector<int>>> found;
    for (const HaloPlan::Peer& peer : peers) found.emplace_back(peer.rank, peer.rows);
    EXPECT_THAT(found, ::testing::ElementsAreArray(expected.begin(), expected.end()));
  }

  // What building the plan of a world says on this rank; empty if nothing.
  std::string error_of(const World& world) const {
    try {
      plan_of(world);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  // A build that failed somewhere must not reach into the next.
  void expect_next_plan_is_right() const {
    const World world = random_world(ranks, 99);
    expect_plan_of(world, *plan_of(world));
  }
};

TEST_F(HaloPlanTest, IsWhatTheGlobalTableSays) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const World world = random_world(ranks, seed);
    expect_plan_of(world, *plan_of(world));
  }
}

TEST_F(HaloPlanTest, ImagesOfOneRemoteAtomShareARow) {
  if (ranks == 1) GTEST_SKIP() << "needs a remote atom";
  World world(ranks);
  for (int r = 0; r < ranks; ++r) {
    world[r].own = 2;
    const Owner remote{(r + 1) % ranks, 1};
    world[r].add_ghost(remote, false);
    for (int image = 0; image < 3; ++image) world[r].add_ghost(remote);
  }
  const auto plan = plan_of(world);
  EXPECT_THAT(plan->ghost_rows(), ElementsAre(2, 3, 3, 3));
  EXPECT_EQ(plan->halo_atoms(), 1);
  EXPECT_EQ(plan->sent_atoms(), 1);
  expect_peers({{next, {3}}}, plan->owners());
  expect_peers({{previous, {1}}}, plan->holders());
}

TEST_F(HaloPlanTest, ImagesOfOwnAtomsHaveTheirRowsAndAreNotSent) {
  World world(ranks);
  for (int r = 0; r < ranks; ++r) {
    world[r].own = 3;
    for (const int atom : {2, 0, 2, 1}) world[r].add_ghost({r, atom}, atom != 1);
  }
  const auto plan = plan_of(world);
  EXPECT_THAT(plan->ghost_rows(), ElementsAre(2, 0, 2, 1));
  EXPECT_THAT(plan->owners(), IsEmpty());
  EXPECT_THAT(plan->holders(), IsEmpty());
}

TEST_F(HaloPlanTest, RanksWithoutAtomsHoldThoseOfOthers) {
  World world(ranks);
  world[0].own = 5;
  for (int r = 1; r < ranks; ++r)
    for (const int atom : {4, 0}) world[r].add_ghost({0, atom});
  expect_plan_of(world, *plan_of(world));
}

TEST_F(HaloPlanTest, GhostsThatNobodyUsesAskForNothing) {
  World world = dense_world(ranks);
  for (int r = 0; r < ranks; ++r) world[r].used.assign(world[r].used.size(), 0);
  const auto plan = plan_of(world);
  EXPECT_THAT(plan->owners(), IsEmpty());
  EXPECT_THAT(plan->holders(), IsEmpty());
  expect_plan_of(world, *plan);
}

TEST_F(HaloPlanTest, EmptyEverywhere) {
  const auto plan = plan_of(World(ranks));
  EXPECT_THAT(plan->ghost_rows(), IsEmpty());
  EXPECT_THAT(plan->owners(), IsEmpty());
  EXPECT_THAT(plan->holders(), IsEmpty());
}

TEST_F(HaloPlanTest, RefusesAnOwnerThatIsNoRank) {
  for (const int nobody : {-1, ranks}) {
    World world(ranks);
    for (int r = 0; r < ranks; ++r) world[r].add_ghost({nobody, 0});
    EXPECT_THAT(error_of(world), HasSubstr("belongs to rank " + std::to_string(nobody)));
  }
  expect_next_plan_is_right();
}

TEST_F(HaloPlanTest, RefusesARequestForAnAtomItDoesNotOwn) {
  if (ranks == 1) GTEST_SKIP() << "needs a remote atom";
  const int owner = ranks - 1;
  for (const int atom : {4, -1}) {
    World world = dense_world(ranks);
    world[0].add_ghost({owner, atom});
    const std::string refusal =
        "rank 0 asks rank " + std::to_string(owner) + " for atom " + std::to_string(atom) + ", but it owns 4";
    EXPECT_EQ(error_of(world), rank == owner ? refusal : "");
  }
  expect_next_plan_is_right();
}

TEST_F(HaloPlanTest, RefusesAnImageOfAnOwnAtomThereIsNot) {
  for (const int atom : {4, -1}) {
    World world = dense_world(ranks);
    for (int r = 0; r < ranks; ++r) world[r].add_ghost({r, atom});
    EXPECT_THAT(error_of(world), HasSubstr("for atom " + std::to_string(atom) + ", but it owns 4"));
  }
  expect_next_plan_is_right();
}

TEST_F(HaloPlanTest, RefusesGhostsOfWhichItIsNotToldWhetherTheyAreUsed) {
  World world = dense_world(ranks);
  for (int r = 0; r < ranks; ++r) {
    world[r].add_ghost({r, 0});
    world[r].used.pop_back();
  }
  EXPECT_THROW(plan_of(world), std::invalid_argument);
  expect_next_plan_is_right();
}

TEST_F(HaloPlanTest, RequestsOfPlansInARowDoNotMix) {
  std::mt19937 delays(static_cast<unsigned>(rank));
  for (unsigned build = 0; build < 200; ++build) {
    SCOPED_TRACE("build " + std::to_string(build));
    const World world = random_world(ranks, 1000 + build);
    pause(delays);
    expect_plan_of(world, *plan_of(world));
  }
}

TEST_F(HaloPlanTest, MessagesOfTheHostAreLeftAlone) {
  const int tags = 8;
  const World world = dense_world(ranks);
  std::vector<int> sent(tags), received(tags, -1);
  std::vector<MPI_Request> requests(tags);
  for (int tag = 0; tag < tags; ++tag) {
    sent[tag] = rank * tags + tag;
    MPI_Isend(&sent[tag], 1, MPI_INT, next, tag, MPI_COMM_WORLD, &requests[tag]);
  }
  for (int build = 0; build < 2; ++build) expect_plan_of(world, *plan_of(world));
  for (int tag = 0; tag < tags; ++tag) {
    MPI_Recv(&received[tag], 1, MPI_INT, previous, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    EXPECT_EQ(received[tag], previous * tags + tag);
  }
  MPI_Waitall(tags, requests.data(), MPI_STATUSES_IGNORE);
}

}  // namespace
}  // namespace grapevine
