#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>

#include "bench/cases.hpp"
#include "bench/lammps_log.hpp"
#include "bench/least_squares.hpp"
#include "bench/scaling_model.hpp"
#include "bench/statistics.hpp"
#include "report/number_text.hpp"
#include "support/error.hpp"
#include "test_files.hpp"

namespace grapevine::bench {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

constexpr const char* two_runs = R"(LAMMPS (22 Jul 2025 - Update 4)
Loop time of 9 on 2 procs for 10 steps with 4000 atoms
Pair    | 8          | 8.5        | 8.9        |   0.1 | 44.20
Grapevine: atoms computed per layer 1 1 of 1 atoms, halo atoms exchanged per layer 1 of 1 ghosts, numbers sent per step 7 forward 7 reverse, 1 layers, cutoff 4 Angstrom
Loop time of 1.5 on 2 procs for 100 steps with 4000 atoms

Performance: 1.0 ns/day
MPI task timing breakdown:
Section |  min time  |  avg time  |  max time  |%varavg| %total
Pair    | 1.0        | 1.1        | 1.2        |   0.1 | 80.00
Comm    | 0.1        | 0.2        | 0.3        |   0.1 | 10.00
Other   |            | 0.05       |            |       |  0.21

Nghost:          13824 ave       13825 max       13823 min
Neighbor list builds = 3
Grapevine: atoms computed per layer 4000 4000 of 4000 atoms, halo atoms exchanged per layer 1234.5 of 3456 ghosts, numbers sent per step 8641.5 forward 8641.5 reverse, messages per step 24, 1 layers, cutoff 5 Angstrom
)";

bench::Run read(const std::string& text) {
  const auto path = test::temporary_path("log.lammps");
  std::ofstream(path) << text;
  return read_lammps_log(path);
}

TEST(Log, GivesItsLastRun) {
  const auto run = read(two_runs);
  EXPECT_EQ(run.version, "22 Jul 2025 - Update 4");
  EXPECT_EQ(run.seconds, 1.5);
  EXPECT_EQ(run.ranks, 2);
  EXPECT_EQ(run.steps, 100);
  EXPECT_EQ(run.atoms, 4000);
  EXPECT_EQ(run.ghosts, 13824);
  EXPECT_EQ(run.neighbour_builds, 3);
  EXPECT_EQ(run.sections.at("Pair"), 1.1);
  EXPECT_EQ(run.sections.at("Other"), 0.05);
  EXPECT_DOUBLE_EQ(run.microseconds_per_atom_step(), 1.5e6 / 400000);
}

TEST(Log, GivesTheWorkOfItsLastRun) {
  const auto run = read(two_runs);
  ASSERT_TRUE(run.work);
  EXPECT_THAT(run.work->computed, ElementsAre(4000, 4000));
  EXPECT_EQ(run.work->halo, 1234.5);
  EXPECT_EQ(run.work->ghosts, 3456);
  EXPECT_EQ(run.work->forward, 8641.5);
  EXPECT_EQ(run.work->messages, 24);
  EXPECT_EQ(run.work->cutoff, 5);
}

TEST(Log, NeedNotCountMessages) {
  const auto run = read(
      "Loop time of 9 on 1 procs for 10 steps with 4 atoms\n"
      "Grapevine: atoms computed per layer 4 of 4 atoms, halo atoms exchanged per layer 0 of 7 ghosts, numbers sent "
      "per "
      "step 0 forward 0 reverse, 0 layers, cutoff 4 Angstrom\n");
  ASSERT_TRUE(run.work);
  EXPECT_FALSE(run.work->messages);
}

TEST(Log, WithoutATimedRunIsRefused) {
  EXPECT_THROW(read("LAMMPS (22 Jul 2025)\nERROR: no\n"), Error);
  EXPECT_THROW(read("Loop time of 0 on 1 procs for 0 steps with 4 atoms\n"), Error);
}

Run timed(double seconds) {
  Run run;
  run.seconds = seconds;
  run.steps = 1;
  run.atoms = 1;
  return run;
}

TEST(Statistics, MedianOfOddAndEvenNumbersOfRounds) {
  EXPECT_EQ(spread_of({3, 1, 2}).median, 2);
  const Spread even = spread_of({4, 1, 2, 9});
  EXPECT_EQ(even.median, 3);
  EXPECT_EQ(even.low, 1);
  EXPECT_EQ(even.high, 9);
}

// A round in which the machine was ten times slower leaves the ratio alone.
TEST(Statistics, RatiosAreFormedRoundByRound) {
  const auto seconds = [](const bench::Run& run) { return run.seconds; };
  const Spread ratio = ratio_of({timed(2), timed(20)}, {timed(1), timed(10)}, seconds);
  EXPECT_EQ(ratio.low, 2);
  EXPECT_EQ(ratio.high, 2);
}

TEST(Statistics, JobsTakeTurns) {
  std::string order;
  const auto job = [&](const std::string& name) {
    return Job{name, [&order, name] { return order += name, timed(1); }};
  };
  const Runs runs = run_in_turn({job("A"), job("B")}, 3, [](const std::string&) {});
  EXPECT_EQ(order, "ABABAB");
  EXPECT_EQ(runs.at("B").size(), 3U);
}

TEST(Cases, BoxesAreOfWholeCells) {
  EXPECT_EQ(cube_of(eam_case(), 32000), (Cells{20, 20, 20}));
  EXPECT_EQ(eam_case().atoms(cube_of(eam_case(), 4000)), 4000);
  EXPECT_EQ(cube_of(eam_case(), 1), (Cells{2, 2, 2}));
}

TEST(Line, IsFoundInPointsOnIt) {
  const Line line = fit_line({0, 1, 2, 5}, {3, 5, 7, 13});
  EXPECT_DOUBLE_EQ(line.intercept, 3);
  EXPECT_DOUBLE_EQ(line.slope, 2);
  EXPECT_DOUBLE_EQ(line.r_squared, 1);
}

TEST(NonNegativeFit, FindsTheCoefficientsOfExactData) {
  const std::vector<std::vector<double>> rows = {{1000, 500, 0}, {8000, 2000, 4}, {100, 200, 8}, {50, 300, 12}};
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(1e-6 * row[0] + 2e-7 * row[1] + 3e-6 * row[2]);
  EXPECT_THAT(fit_non_negative(rows, values), Pointwise(DoubleNear(1e-12), {1e-6, 2e-7, 3e-6}));
}

TEST(NonNegativeFit, LeavesOutWhatWouldBeNegative) {
  const auto fit = fit_non_negative({{1, 0}, {1, 1}, {1, 2}}, {3, 2, 1});
  EXPECT_GT(fit[0], 0);
  EXPECT_EQ(fit[1], 0);
}

TEST(NonNegativeFit, IsZeroForWhatTheDataDoNotDetermine) {
  EXPECT_THAT(fit_non_negative({{1, 0}, {2, 0}}, {5, 10}), Pointwise(DoubleNear(1e-12), {5.0, 0.0}));
}

const System silver{.atoms_per_volume = 0.05, .cutoff = 4, .skin = 1, .layers = 2, .message_numbers = 14};

TEST(ScalingModel, OneRankSendsNothing) {
  const Load load = estimate_load(silver, {80, 80, 80}, 1);
  EXPECT_DOUBLE_EQ(load.own, 0.05 * 80 * 80 * 80);
  EXPECT_DOUBLE_EQ(load.ghosts, 0.05 * (90.0 * 90 * 90 - 80.0 * 80 * 80));
  EXPECT_EQ(load.halo, 0);
  EXPECT_EQ(load.messages, 0);
  EXPECT_EQ(load.bytes, 0);
}

TEST(ScalingModel, TwoRanksShareTwoFaces) {
  const Load load = estimate_load(silver, {80, 80, 80}, 2);
  EXPECT_DOUBLE_EQ(load.halo, 0.05 * 2 * 4 * 80 * 80);
  EXPECT_DOUBLE_EQ(load.messages, 2 * 2 + 2 * 2 * 1);  // LAMMPS's swaps there and back; two layers, one peer, both ways
  const double remote_ghosts = 0.05 * 2 * 5 * 80 * 80;
  EXPECT_NEAR(load.bytes, 2 * (24 * remote_ghosts + 4 * 14 * load.halo), 1e-6);
}

// Where subdomains are large, 26 ranks are near; where they are smaller than the cutoff, more.
TEST(ScalingModel, PeersAreThoseWithinTheCutoff) {
  EXPECT_EQ(peers_of(silver, {80, 80, 80}, {4, 4, 4}), 26);
  EXPECT_EQ(peers_of(silver, {30, 30, 30}, {10, 10, 10}), 124);
  EXPECT_EQ(peers_of(silver, {80, 80, 80}, {2, 2, 2}), 7);
}

TEST(ScalingModel, GridsHaveTheSmallestSurface) {
  EXPECT_EQ(grid_of({1, 1, 1}, 64), (Grid{4, 4, 4}));
  EXPECT_EQ(grid_of({1, 1, 4}, 4), (Grid{1, 1, 4}));
}

TEST(ScalingModel, FindsTheCostsOfARunThatFollowsIt) {
  const Costs costs{1e-6, 1e-7, 5e-6};
  std::vector<Sample> samples;
  for (const double edge : {20.0, 40.0, 80.0})
    for (const int ranks : {1, 2, 4}) {
      const Load load = estimate_load(silver, {edge, edge, edge}, ranks);
      samples.push_back({load, step_time(costs, load)});
    }
  const Costs fitted = fit_costs(samples);
  EXPECT_NEAR(fitted.own, costs.own, 1e-12);
  EXPECT_NEAR(fitted.ghost, costs.ghost, 1e-13);
  EXPECT_NEAR(fitted.message, costs.message, 1e-11);
}

TEST(ScalingModel, AClusterIsNeverFasterThanTheMachineMeasured) {
  const Costs costs{1e-6, 1e-7, 5e-6};
  const Load load = estimate_load(silver, {400, 400, 400}, 64);
  EXPECT_GT(projected_step_time(costs, load, 64, {1e-9, 1e15}), step_time(costs, load));
  EXPECT_GT(projected_step_time(costs, load, 64, {1e-4, 1e9}), projected_step_time(costs, load, 64, {1e-6, 1e9}));
}

TEST(NumberText, HasThreeDigitsOrAllBeforeThePoint) {
  EXPECT_EQ(number_text(0.0123456), "0.0123");
  EXPECT_EQ(number_text(12.345), "12.3");
  EXPECT_EQ(number_text(999.4), "999");
  EXPECT_EQ(number_text(999.6), "1000");
  EXPECT_EQ(number_text(12345.6), "12346");
  EXPECT_EQ(number_text(-1234.5), "-1234");
  EXPECT_EQ(number_text(1.2e12), "1.2e+12");
}

}  // namespace
}  // namespace grapevine::bench
