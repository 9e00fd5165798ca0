#include "exchange/mpi/mpi_exchange.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include "support/error.hpp"
#include "world.hpp"

namespace grapevine {
namespace {

template <class Real>
class MpiExchangeTest : public MpiTest {
 protected:
  void use(const World& world) {
    plan = plan_of(world);
    exchange.set_plan(plan);
  }

  // Own rows filled; everything else is untouched.
  Rows<Real> before_gather(const World& world, int width, int padding, unsigned seed) const {
    Rows<Real> rows(world[rank].rows(), width, padding);
    for (int atom = 0; atom < world[rank].own; ++atom) rows.fill(atom, seed, rank, {rank, atom});
    return rows;
  }

  // In addition the rows of the halo have their owners' numbers.
  Rows<Real> after_gather(const World& world, int width, int padding, unsigned seed) const {
    Rows<Real> rows = before_gather(world, width, padding, seed);
    for_halo(world, [&](int row, Owner atom) { rows.fill(row, seed, atom.rank, atom); });
    return rows;
  }

  // Own rows and those of the halo have numbers of this rank.
  Rows<Real> before_scatter(const World& world, int width, int padding, unsigned seed) const {
    Rows<Real> rows = before_gather(world, width, padding, seed);
    for_halo(world, [&](int row, Owner atom) { rows.fill(row, seed, rank, atom); });
    return rows;
  }

  // In addition own rows have those of their holders, in order of rank.
  Rows<Real> after_scatter(const World& world, int width, int padding, unsigned seed) const {
    Rows<Real> rows = before_scatter(world, width, padding, seed);
    for (const auto& [holder, atoms] : world.sent(rank))
      for (const int atom : atoms)
        for (int k = 0; k < width; ++k) rows.at(atom, k) += static_cast<Real>(number(seed, holder, {rank, atom}, k));
    return rows;
  }

  template <class Visit>
  void for_halo(const World& world, Visit visit) const {
    const RankAtoms& mine = world[rank];
    for (std::size_t g = 0; g < mine.ghosts.size(); ++g)
      if (mine.used[g] && mine.ghosts[g].rank != rank) visit(plan->ghost_rows()[g], mine.ghosts[g]);
  }

  void expect_gather(const World& world, int width, int padding, unsigned seed) {
    Rows<Real> rows = before_gather(world, width, padding, seed);
    exchange.gather(rows.field());
    EXPECT_EQ(rows.numbers, after_gather(world, width, padding, seed).numbers);
  }

  void expect_scatter(const World& world, int width, int padding, unsigned seed) {
    Rows<Real> rows = before_scatter(world, width, padding, seed);
    exchange.scatter_add(rows.field());
    EXPECT_EQ(rows.numbers, after_scatter(world, width, padding, seed).numbers);
  }

  void expect_both(const World& world, int width, int padding, unsigned seed) {
    SCOPED_TRACE("width " + std::to_string(width) + ", padding " + std::to_string(padding) + ", seed " +
                 std::to_string(seed));
    expect_gather(world, width, padding, seed);
    expect_scatter(world, width, padding, seed);
  }

  std::shared_ptr<const HaloPlan> plan;
  MpiExchange<Real> exchange;
};

using Reals = ::testing::Types<double, float>;
TYPED_TEST_SUITE(MpiExchangeTest, Reals);

TYPED_TEST(MpiExchangeTest, GatherFillsJustTheHalo) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const World world = random_world(this->ranks, seed);
    this->use(world);
    this->expect_gather(world, 3, 0, seed);
  }
}

TYPED_TEST(MpiExchangeTest, EveryGhostInUseReadsItsOwner) {
  const World world = random_world(this->ranks, 7);
  const RankAtoms& mine = world[this->rank];
  this->use(world);
  auto rows = this->before_gather(world, 2, 0, 7);
  this->exchange.gather(rows.field());
  for (std::size_t g = 0; g < mine.ghosts.size(); ++g) {
    const int row = this->plan->ghost_rows()[g];
    const Owner& owner = mine.ghosts[g];
    for (int k = 0; k < 2 && mine.used[g]; ++k)
      EXPECT_EQ(rows.at(row, k), static_cast<TypeParam>(number(7, owner.rank, owner, k)));
  }
}

TYPED_TEST(MpiExchangeTest, ScatterAddsTheHaloToItsOwnersInOrderOfRank) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const World world = random_world(this->ranks, seed);
    this->use(world);
    this->expect_scatter(world, 3, 0, seed);
  }
}

TYPED_TEST(MpiExchangeTest, WidthsInTurnLeaveThePadding) {
  const World world = random_world(this->ranks, 3);
  this->use(world);
  for (unsigned turn = 0; turn < 5; ++turn) {
    this->expect_both(world, 5, 0, turn);
    this->expect_both(world, 2, 3, turn);
    this->expect_both(world, 2, 0, turn);
    this->expect_both(world, 1, 1, turn);
  }
}

TYPED_TEST(MpiExchangeTest, ANewPlanReplacesTheOld) {
  std::mt19937 delays(static_cast<unsigned>(this->rank));
  for (unsigned seed = 0; seed < 50; ++seed) {
    pause(delays);
    const World world = random_world(this->ranks, 500 + seed);
    this->use(world);
    this->expect_both(world, 4, 0, seed);
  }
}

TYPED_TEST(MpiExchangeTest, RanksWithoutAtomsOrGhosts) {
  World no_atoms(this->ranks);
  no_atoms[0].own = 5;
  for (int r = 1; r < this->ranks; ++r)
    for (const int atom : {4, 0, 4}) no_atoms[r].add_ghost({0, atom});
  World no_ghosts(this->ranks);
  for (int r = 0; r < this->ranks; ++r) no_ghosts[r].own = r;
  for (const World& world : {no_atoms, no_ghosts, World(this->ranks)}) {
    this->use(world);
    this->expect_both(world, 3, 1, 1);
  }
}

TYPED_TEST(MpiExchangeTest, OwnAtomsMayBeWorkedOnMeanwhile) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const World world = random_world(this->ranks, seed);
    const std::vector<bool> held = world.held(this->rank);
    const auto work = [&](Rows<TypeParam>& rows) {
      for (int atom = 0; atom < world[this->rank].own; ++atom)
        if (!held[atom]) rows.fill(atom, seed + 1, this->rank, {this->rank, atom});
    };
    this->use(world);

    auto rows = this->before_gather(world, 3, 1, seed);
    auto expected = this->after_gather(world, 3, 1, seed);
    this->exchange.gather_begin(rows.field());
    work(rows);
    this->exchange.gather_end();
    work(expected);
    EXPECT_EQ(rows.numbers, expected.numbers);

    rows = this->before_scatter(world, 3, 1, seed);
    expected = this->after_scatter(world, 3, 1, seed);
    this->exchange.scatter_add_begin(rows.field());
    work(rows);
    this->exchange.scatter_add_end();
    work(expected);
    EXPECT_EQ(rows.numbers, expected.numbers);
  }
}

TYPED_TEST(MpiExchangeTest, BeginLeavesOwnRows) {
  const World world = dense_world(this->ranks);
  const std::size_t own = static_cast<std::size_t>(world[this->rank].own) * 3;
  this->use(world);
  const auto before = this->before_scatter(world, 3, 0, 1);
  auto rows = before;
  const auto own_rows_are_as_before = [&] {
    return std::equal(rows.numbers.begin(), rows.numbers.begin() + static_cast<std::ptrdiff_t>(own),
                      before.numbers.begin());
  };
  this->exchange.scatter_add_begin(rows.field());
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_TRUE(own_rows_are_as_before());
  this->exchange.scatter_add_end();
  rows = before;
  this->exchange.gather_begin(rows.field());
  MPI_Barrier(MPI_COMM_WORLD);
  EXPECT_TRUE(own_rows_are_as_before());
  this->exchange.gather_end();
  EXPECT_TRUE(own_rows_are_as_before());
}

TYPED_TEST(MpiExchangeTest, SumsHaveTheSameBitsWhoeverIsLate) {
  const World world = dense_world(this->ranks);
  this->use(world);
  auto first = this->before_scatter(world, 3, 0, 1);
  this->exchange.scatter_add(first.field());
  std::mt19937 delays(static_cast<unsigned>(this->rank));
  for (int repetition = 0; repetition < 30; ++repetition) {
    auto rows = this->before_scatter(world, 3, 0, 1);
    pause(delays);
    this->exchange.scatter_add(rows.field());
    EXPECT_EQ(std::memcmp(rows.numbers.data(), first.numbers.data(), rows.numbers.size() * sizeof(TypeParam)), 0);
  }
}

TYPED_TEST(MpiExchangeTest, CountsWhatTheGlobalTableSays) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const World world = random_world(this->ranks, seed);
    const auto halo = world.halo(this->rank);
    const auto sent = world.sent(this->rank);
    const ExchangeTally old = this->exchange.tally();
    this->use(world);
    this->expect_gather(world, 7, 0, seed);
    this->expect_gather(world, 2, 0, seed);
    this->expect_scatter(world, 5, 0, seed);
    const ExchangeTally& tally = this->exchange.tally();
    EXPECT_EQ(tally.gathers - old.gathers, 2);
    EXPECT_EQ(tally.gather_atoms - old.gather_atoms, 2 * atoms_in(halo));
    EXPECT_EQ(tally.gather_numbers - old.gather_numbers, (7 + 2) * atoms_in(halo));
    EXPECT_EQ(tally.scatters - old.scatters, 1);
    EXPECT_EQ(tally.scatter_atoms - old.scatter_atoms, atoms_in(halo));
    EXPECT_EQ(tally.scatter_numbers - old.scatter_numbers, 5 * atoms_in(halo));
    EXPECT_EQ(tally.messages - old.messages, static_cast<std::int64_t>(2 * sent.size() + halo.size()));
  }
}

TYPED_TEST(MpiExchangeTest, RefusesOperationsOutOfTurn) {
  const World world = dense_world(this->ranks);
  this->use(world);
  auto& operations = this->exchange;
  auto rows = this->before_gather(world, 2, 0, 1);
  EXPECT_THROW(operations.gather_end(), std::logic_error);
  EXPECT_THROW(operations.scatter_add_end(), std::logic_error);

  operations.gather_begin(rows.field());
  EXPECT_THROW(operations.gather_begin(rows.field()), std::logic_error);
  EXPECT_THROW(operations.scatter_add_begin(rows.field()), std::logic_error);
  EXPECT_THROW(operations.scatter_add_end(), std::logic_error);
  EXPECT_THROW(operations.set_plan(this->plan), std::logic_error);
  operations.gather_end();
  EXPECT_EQ(rows.numbers, this->after_gather(world, 2, 0, 1).numbers);
  EXPECT_THROW(operations.gather_end(), std::logic_error);

  rows = this->before_scatter(world, 2, 0, 1);
  operations.scatter_add_begin(rows.field());
  EXPECT_THROW(operations.scatter_add_begin(rows.field()), std::logic_error);
  EXPECT_THROW(operations.gather_begin(rows.field()), std::logic_error);
  EXPECT_THROW(operations.gather_end(), std::logic_error);
  operations.scatter_add_end();
  EXPECT_EQ(rows.numbers, this->after_scatter(world, 2, 0, 1).numbers);
  EXPECT_THROW(operations.scatter_add_end(), std::logic_error);
}

TYPED_TEST(MpiExchangeTest, RefusesOperationsBeforeAPlan) {
  Rows<TypeParam> rows(1, 1);
  EXPECT_THROW(this->exchange.gather_begin(rows.field()), std::logic_error);
  EXPECT_THROW(this->exchange.scatter_add_begin(rows.field()), std::logic_error);
}

TYPED_TEST(MpiExchangeTest, AMessageTooLongForMpiIsRefusedAndLeavesTheExchangeUsable) {
  if (this->ranks == 1) GTEST_SKIP() << "needs a message";
  const World world = dense_world(this->ranks);
  this->use(world);
  const Field<TypeParam> wide{nullptr, (1 << 29), (1 << 29)};  // four rows of it are 2^31 numbers
  EXPECT_THROW(this->exchange.gather_begin(wide), Error);
  EXPECT_THROW(this->exchange.scatter_add_begin(wide), Error);
  this->expect_both(world, 3, 0, 1);
}

using MpiExchangeDoubleTest = MpiExchangeTest<double>;

double over_all_ranks(double part) {
  MPI_Allreduce(MPI_IN_PLACE, &part, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return part;
}

TEST_F(MpiExchangeDoubleTest, ScatterIsTheTransposeOfGather) {
  const int width = 4;
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const World world = random_world(ranks, seed);
    use(world);
    auto x = before_gather(world, width, 0, seed);
    auto y = before_scatter(world, width, 0, seed + 1);
    auto gathered = x, scattered = y;
    exchange.gather(gathered.field());
    exchange.scatter_add(scattered.field());

    double left = 0, right = 0, size = 0;
    for (std::size_t n = 0; n < x.numbers.size(); ++n) {
      const double product = y.numbers[n] == y.untouched ? 0 : gathered.numbers[n] * y.numbers[n];
      left += product;
      size += std::abs(product);
    }
    for (std::size_t n = 0; n < static_cast<std::size_t>(world[rank].own * width); ++n)
      right += x.numbers[n] * scattered.numbers[n];
    size = over_all_ranks(size);
    EXPECT_NEAR(over_all_ranks(left), over_all_ranks(right), 1e-12 * size);
  }
}

}  // namespace
}  // namespace grapevine
