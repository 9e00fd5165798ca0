#include "structures/frame_graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <set>

#include "support/error.hpp"
#include "threads/interruption.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Edge {
  int i;
  int j;
  Vector3 d;
};

bool operator<(const Edge& a, const Edge& b) {
  const auto key = [](const Edge& e) {
    return std::array<double, 5>{double(e.i), double(e.j), std::round(e.d[0] * 1e6), std::round(e.d[1] * 1e6),
                                 std::round(e.d[2] * 1e6)};
  };
  return key(a) < key(b);
}

Frame make_frame(const Matrix3& cell, std::array<bool, 3> periodic, std::vector<double> positions) {
  Frame frame;
  frame.cell = cell;
  frame.periodic = periodic;
  frame.symbols.assign(positions.size() / 3, "H");
  frame.positions = std::move(positions);
  return frame;
}

std::vector<Edge> edges_of(const FrameGraph& graph) {
  EdgeBlock<double> block;
  graph.edges(graph.centres(), block);
  std::vector<Edge> edges;
  for (int c = 0; c < block.centres(); ++c)
    for (int e = block.first[c]; e < block.first[c + 1]; ++e) {
      const int j = block.neighbour[e];
      const int owner = j < graph.own() ? j : graph.owner()[static_cast<std::size_t>(j - graph.own())];
      edges.push_back({block.centre[c], owner, {block.x[e], block.y[e], block.z[e]}});
    }
  return edges;
}

// Over all images of a cell; `reach` must be enough for the cell and the atoms in it.
std::vector<Edge> brute_force(const Frame& frame, double cutoff, int reach) {
  std::vector<Edge> edges;
  const auto range = [&](std::size_t k) { return frame.periodic[k] ? reach : 0; };
  for (int i = 0; i < frame.atoms(); ++i)
    for (int j = 0; j < frame.atoms(); ++j)
      for (int a = -range(0); a <= range(0); ++a)
        for (int b = -range(1); b <= range(1); ++b)
          for (int c = -range(2); c <= range(2); ++c) {
            if (i == j && a == 0 && b == 0 && c == 0) continue;
            Vector3 d{};
            for (std::size_t x = 0; x < 3; ++x)
              d[x] = frame.positions[3 * static_cast<std::size_t>(i) + x] -
                     frame.positions[3 * static_cast<std::size_t>(j) + x] - a * frame.cell[x] - b * frame.cell[3 + x] -
                     c * frame.cell[6 + x];
            if (dot(d, d) < cutoff * cutoff) edges.push_back({i, j, d});
          }
  return edges;
}

void expect_same_edges(std::vector<Edge> found, std::vector<Edge> expected) {
  const auto close = [](const Edge& a, const Edge& b) {
    const Vector3 difference{a.d[0] - b.d[0], a.d[1] - b.d[1], a.d[2] - b.d[2]};
    return a.i == b.i && a.j == b.j && dot(difference, difference) < 1e-18;
  };
  std::sort(found.begin(), found.end());
  std::sort(expected.begin(), expected.end());
  ASSERT_EQ(found.size(), expected.size());
  // Rounding may order two nearly equal edges differently, so each is looked for among those of its pair.
  for (const Edge& edge : expected)
    ASSERT_TRUE(std::any_of(found.begin(), found.end(), [&](const Edge& other) { return close(edge, other); }));
}

void expect_brute_force_edges(const Frame& frame, double cutoff, int reach) {
  FrameGraph graph({"H"}, cutoff, 1);
  graph.build(frame);
  expect_same_edges(edges_of(graph), brute_force(frame, cutoff, reach));
}

std::vector<double> random_positions(std::mt19937& random, const Matrix3& cell, int atoms, double spread) {
  std::uniform_real_distribution<double> fraction(-spread, 1 + spread);
  std::vector<double> positions;
  for (int i = 0; i < atoms; ++i) {
    const Vector3 f{fraction(random), fraction(random), fraction(random)};
    for (std::size_t x = 0; x < 3; ++x) positions.push_back(f[0] * cell[x] + f[1] * cell[3 + x] + f[2] * cell[6 + x]);
  }
  return positions;
}

constexpr std::array<bool, 3> everywhere{true, true, true};
constexpr std::array<bool, 3> nowhere{false, false, false};

TEST(FrameGraph, AgreesWithBruteForceInRandomTriclinicCellsForEveryMixOfPeriodicDirections) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int trial = 0; trial < 80; ++trial) {
    Matrix3 cell{4, 0, 0, 0, 5, 0, 0, 0, 6};
    for (double& value : cell) value += 2 * uniform(random);
    if (trial % 2 == 1) std::swap_ranges(cell.begin(), cell.begin() + 3, cell.begin() + 3);
    const std::array<bool, 3> periodic{(trial & 2) != 0, (trial & 4) != 0, (trial & 8) != 0};
    const Frame frame = make_frame(cell, periodic, random_positions(random, cell, 6, 0.5));
    SCOPED_TRACE(trial);
    expect_brute_force_edges(frame, 3.7, 7);
  }
}

TEST(FrameGraph, FindsManyImagesOfOneAtomInACellMuchSmallerThanTheCutoff) {
  const Frame frame = make_frame({1.1, 0, 0, 0.3, 1.2, 0, -0.2, 0.4, 0.9}, everywhere, {0.1, 0.2, 0.3});
  FrameGraph graph({"H"}, 4.0, 1);
  graph.build(frame);
  EXPECT_GT(graph.edge_count(), 150u);
  EXPECT_EQ(static_cast<std::size_t>(graph.ghosts()), graph.edge_count());
  expect_same_edges(edges_of(graph), brute_force(frame, 4.0, 9));
}

TEST(FrameGraph, HandlesStronglySkewedCells) {
  const Frame frame = make_frame({3, 0, 0, 60.5, 3.2, 0, -31, 44.7, 3.1}, everywhere, {0.1, 0.2, 0.3, 1.4, 1.6, 1.2});
  const Matrix3 equivalent{3, 0, 0, 60.5 - 60, 3.2, 0, 0, 0, 3.1};
  Frame reduced = make_frame(equivalent, everywhere, frame.positions);
  for (std::size_t x = 0; x < 3; ++x)  // c - 14 b' + 12 a, with b' the reduced b
    reduced.cell[6 + x] = frame.cell[6 + x] - 14 * equivalent[3 + x] + (x == 0 ? 12 * 3.0 : 0.0);
  FrameGraph graph({"H"}, 4.5, 1);
  graph.build(frame);
  expect_same_edges(edges_of(graph), brute_force(reduced, 4.5, 5));
}

TEST(FrameGraph, DoesNotMindAtomsFarOutsideTheCell) {
  const Matrix3 cell{4, 0, 0, 1, 4, 0, 0, 1, 4};
  const std::vector<double> inside{0.5, 0.5, 0.5, 2.5, 2.0, 1.0, 1.0, 3.0, 3.5};
  std::vector<double> outside = inside;
  for (std::size_t x = 0; x < 3; ++x) outside[3 + x] += 25 * cell[x] - 13 * cell[3 + x] + 7 * cell[6 + x];
  FrameGraph graph({"H"}, 5, 1);
  graph.build(make_frame(cell, everywhere, outside));
  expect_same_edges(edges_of(graph), brute_force(make_frame(cell, everywhere, inside), 5, 4));
}

TEST(FrameGraph, NeedsNoCellVectorWhereNotPeriodic) {
  std::mt19937 random(3);
  const std::vector<double> positions = random_positions(random, {5, 0, 0, 0, 5, 0, 0, 0, 5}, 8, 1);
  expect_brute_force_edges(make_frame({}, nowhere, positions), 3, 0);
  expect_brute_force_edges(make_frame({4, 0, 0}, {true, false, false}, positions), 3, 6);
  expect_brute_force_edges(make_frame({4, 0, 0, 0, 0, 0, 1, 0, 4}, {true, false, true}, positions), 3, 8);
  expect_brute_force_edges(make_frame({0, 0, 0, 1, 2, 3}, {false, true, false}, positions), 3, 8);
}

TEST(FrameGraph, IgnoresWhatACellSaysOfDirectionsThatAreNotPeriodic) {
  const std::vector<double> positions{0, 0, 0, 1, 1, 1, 2, -2, 9};
  expect_brute_force_edges(make_frame({4, 0, 0, 4, 0, 0, 0, 4, 0}, {true, false, true}, positions), 3, 4);
  expect_brute_force_edges(make_frame({1e-9, 0, 0, 0, 1e9, 0, 0, 0, 4}, {false, false, true}, positions), 3, 4);
}

TEST(FrameGraph, FindsNothingBetweenAtomsThatAreFarApart) {
  FrameGraph graph({"H"}, 3, 1);
  graph.build(make_frame({}, nowhere, {0, 0, 0, 1e9, 0, 0, 1e9, 0, 1, -3e8, 1e5, 0}));
  EXPECT_EQ(graph.edge_count(), 2u);
  graph.build(make_frame({}, nowhere, {0, 0, 0}));
  EXPECT_EQ(graph.edge_count(), 0u);
  EXPECT_EQ(graph.ghosts(), 0);
}

TEST(FrameGraph, HandlesVeryElongatedStructures) {
  std::vector<double> chain;
  for (int i = 0; i < 60000; ++i) chain.insert(chain.end(), {0, 0, 3.9 * i});
  FrameGraph graph({"H"}, 4, 1);
  graph.build(make_frame({}, nowhere, chain));
  EXPECT_EQ(graph.edge_count(), 2u * 59999u);
  graph.build(make_frame({5, 0, 0, 0, 5, 0, 0, 0, 5e5}, everywhere, {0, 0, 1, 0, 0, 3, 0, 0, 2e5}));
  EXPECT_EQ(graph.edge_count(), 2u);
  graph.build(make_frame({2000, 0, 0, 0, 2000, 0}, {true, true, false}, {1, 1, 0, 1999, 1, 0, 2, 1, 1}));
  EXPECT_EQ(graph.edge_count(), 6u);
}

/// A few clusters of atoms near each other, in a cell so large that it is empty but for them.
Frame clusters_in(const Matrix3& cell, std::array<bool, 3> periodic, std::mt19937& random) {
  std::uniform_real_distribution<double> place(-1.5, 1.5), near(-3, 3);
  std::vector<double> positions;
  for (int cluster = 0; cluster < 4; ++cluster) {
    const Vector3 f{cluster == 0 ? 0 : place(random), cluster < 2 ? 0 : place(random), place(random)};
    for (int i = 0; i < 5; ++i)
      for (std::size_t x = 0; x < 3; ++x)
        positions.push_back(f[0] * cell[x] + f[1] * cell[3 + x] + f[2] * cell[6 + x] + near(random));
  }
  return make_frame(cell, periodic, positions);
}

TEST(FrameGraph, AgreesWithBruteForceInNearlyEmptyCells) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (const double edge : {60.0, 300.0, 4e3, 1e5})
    for (int trial = 0; trial < 16; ++trial) {
      Matrix3 cell{edge, 0, 0, 0, trial % 2 == 0 ? 5 : 0.7 * edge, 0, 0, 0, trial % 4 < 2 ? 6 : edge};
      if (trial >= 8 && trial % 2 == 1) cell[3] = 0.4 * edge * uniform(random);
      if (trial >= 8 && trial % 4 >= 2) cell[6] = 0.4 * edge * uniform(random);
      const Frame frame = clusters_in(cell, {true, trial % 3 != 0, true}, random);
      SCOPED_TRACE(testing::Message() << edge << " " << trial);
      expect_brute_force_edges(frame, 3.7, 5);
    }
}

TEST(FrameGraph, CostsWhatTheAtomsCostInCellsOfAnyLength) {
  std::vector<double> block;
  for (int n = 0; n < 27; ++n) block.insert(block.end(), {3.6 * (n % 3), 3.6 * (n / 3 % 3), 3.6 * (n / 9)});
  FrameGraph graph({"H"}, 5, 1);
  graph.build(make_frame({10.8, 0, 0, 0, 10.8, 0, 0, 0, 200}, everywhere, block));
  const std::size_t edges = graph.edge_count();
  for (const double length : {1e4, 1e6, 3e7, 1e9, 1e12}) {
    SCOPED_TRACE(length);
    graph.build(make_frame({10.8, 0, 0, 0, 10.8, 0, 0, 0, length}, everywhere, block));
    EXPECT_EQ(graph.edge_count(), edges);
    graph.build(make_frame({length, 0, 0, 0, 10.8, 0, 0.3 * length, 0, 0.9 * length}, everywhere, block));
    EXPECT_GT(graph.edge_count(), 0u);
  }
  graph.build(make_frame({3, 0, 0, 0, 3, 0, 0, 0, 1e9}, everywhere, {0, 0, 0, 1.5, 1.5, 5e8}));
  EXPECT_EQ(graph.edge_count(), 2u * 8u);
}

TEST(FrameGraph, KeepsTheDigitsOfPositionsInAVeryLongCell) {
  FrameGraph graph({"H"}, 5, 1);
  graph.build(make_frame({40, 0, 0, 0, 40, 0, 0, 0, 1e12}, everywhere, {0, 0, -1.25, 0, 0, 2.5}));
  const std::vector<Edge> edges = edges_of(graph);
  ASSERT_EQ(edges.size(), 2u);
  EXPECT_DOUBLE_EQ(std::abs(edges[0].d[2]), 3.75);
}

TEST(FrameGraph, FindsAllEdgesOfAWireThatIsLongAndThin) {
  std::mt19937 random(12);
  const Matrix3 cell{4, 0, 0, 1, 4, 0, 0.5, 1, 4};
  const Frame unit = make_frame(cell, everywhere, random_positions(random, cell, 1, 0.5));
  Frame wire = unit;
  constexpr int repeats = 80000;
  for (std::size_t x = 0; x < 3; ++x) wire.cell[6 + x] *= repeats;
  for (int n = 1; n < repeats; ++n) {
    wire.symbols.push_back("H");
    for (std::size_t x = 0; x < 3; ++x) wire.positions.push_back(unit.positions[x] + n * cell[6 + x]);
  }
  FrameGraph graph({"H"}, 5.3, 1);
  graph.build(unit);
  const std::size_t edges_per_atom = graph.edge_count();
  EXPECT_EQ(edges_per_atom, 10u);
  graph.build(wire);
  EXPECT_EQ(graph.edge_count(), repeats * edges_per_atom);
}

// Edges of a graph with a skin that has followed a structure through its steps.
class FrameGraphSkin : public ::testing::TestWithParam<std::array<bool, 3>> {
 protected:
  void expect_edges_of(const Frame& frame) {
    graph.build(frame);
    expect_same_edges(edges_of(graph), brute_force(frame, 3.7, 6));
  }

  void shake(Frame& frame, double step) {
    std::uniform_real_distribution<double> uniform(-step, step);
    for (double& x : frame.positions) x += uniform(random);
  }

  std::mt19937 random{5};
  FrameGraph graph{{"H"}, 3.7, 1, 0.6};
};

TEST_P(FrameGraphSkin, GivesTheEdgesOfEveryStepAndSeldomSearches) {
  const Matrix3 cell{4, 0, 0, 1, 5, 0, -1, 0.5, 4.5};
  Frame frame = make_frame(cell, GetParam(), random_positions(random, cell, 7, 0.5));
  for (int step = 0; step < 60; ++step) {
    SCOPED_TRACE(step);
    expect_edges_of(frame);
    shake(frame, 0.1);
  }
  EXPECT_GT(graph.searches(), 1u);
  EXPECT_LT(graph.searches(), 20u);
}

TEST_P(FrameGraphSkin, SearchesAgainForLargeStepsOtherSystemsAndOtherPeriodicity) {
  const Matrix3 cell{4, 0, 0, 1, 5, 0, -1, 0.5, 4.5};
  Frame frame = make_frame(cell, GetParam(), random_positions(random, cell, 7, 0.5));
  expect_edges_of(frame);
  for (std::size_t x = 0; x < 3; ++x) frame.positions[6 + x] += cell[x];
  expect_edges_of(frame);
  EXPECT_EQ(graph.searches(), 2u);
  shake(frame, 2);
  expect_edges_of(frame);
  EXPECT_EQ(graph.searches(), 3u);
  frame.symbols.pop_back();
  frame.positions.resize(18);
  expect_edges_of(frame);
  EXPECT_EQ(graph.searches(), 4u);
  frame.periodic[1] = !frame.periodic[1];
  expect_edges_of(frame);
  EXPECT_EQ(graph.searches(), 5u);
}

INSTANTIATE_TEST_SUITE_P(Periodic, FrameGraphSkin,
                         ::testing::Values(nowhere, everywhere, std::array<bool, 3>{true, false, true},
                                           std::array<bool, 3>{false, true, false}));

TEST_F(FrameGraphSkin, FollowsSmallStrainsOfTheCell) {
  const Matrix3 cell{4, 0, 0, 1, 5, 0, -1, 0.5, 4.5};
  Frame frame = make_frame(cell, everywhere, random_positions(random, cell, 7, 0.5));
  std::uniform_real_distribution<double> uniform(-0.006, 0.006);
  for (int step = 0; step < 60; ++step) {
    SCOPED_TRACE(step);
    expect_edges_of(frame);
    Matrix3 strain = identity;
    for (double& component : strain) component += uniform(random);
    frame.cell = product(frame.cell, strain);
    for (std::size_t i = 0; i < 7; ++i) {
      const Vector3 moved = times(&frame.positions[3 * i], strain);
      std::copy_n(moved.begin(), 3, &frame.positions[3 * i]);
    }
    shake(frame, 0.05);
  }
  EXPECT_GT(graph.searches(), 1u);
  EXPECT_LT(graph.searches(), 20u);
}

TEST_F(FrameGraphSkin, AnErrorLeavesNoListsBehind) {
  const Matrix3 cell{4, 0, 0, 0, 5, 0, 0, 0, 6};
  Frame frame = make_frame(cell, everywhere, random_positions(random, cell, 5, 0));
  expect_edges_of(frame);
  Frame wrong = frame;
  wrong.positions[4] = std::nan("");
  EXPECT_THROW(graph.build(wrong), Error);
  wrong = frame;
  wrong.symbols[2] = "He";
  EXPECT_THROW(graph.build(wrong), Error);
  expect_edges_of(frame);
}

TEST(FrameGraph, EachGhostIsOneImageOfItsOwnerAndUsed) {
  std::mt19937 random(4);
  const Matrix3 cell{3, 0, 0, 1, 3, 0, 0, 1, 3};
  FrameGraph graph({"H"}, 4, 1);
  const Frame frame = make_frame(cell, everywhere, random_positions(random, cell, 5, 1));
  graph.build(frame);
  EdgeBlock<double> block;
  graph.edges(graph.centres(), block);
  std::set<int> used(block.neighbour.begin(), block.neighbour.begin() + block.edges());
  for (int g = 0; g < graph.ghosts(); ++g) EXPECT_TRUE(used.count(graph.own() + g));
  EXPECT_EQ(graph.species().size(), static_cast<std::size_t>(graph.own() + graph.ghosts()));
}

TEST(FrameGraph, GivesTheSameEdgesInTheSameOrderWhateverTheThreads) {
  std::mt19937 random(6);
  const Matrix3 cell{15, 0, 0, 1, 15, 0, 0, 1, 15};
  const Frame frame = make_frame(cell, everywhere, random_positions(random, cell, 500, 0));
  FrameGraph one({"H"}, 4, 1), four({"H"}, 4, 4);
  one.build(frame);
  four.build(frame);
  EdgeBlock<double> a, b;
  one.edges(one.centres(), a);
  four.edges(four.centres(), b);
  EXPECT_EQ(a.first, b.first);
  for (int e = 0; e < a.edges(); ++e) {
    EXPECT_EQ(a.neighbour[e], b.neighbour[e]);
    EXPECT_EQ(a.x[e], b.x[e]);
    EXPECT_EQ(a.y[e], b.y[e]);
    EXPECT_EQ(a.z[e], b.z[e]);
  }
}

TEST(FrameGraph, GivesEdgesOfAnyRangeOfCentres) {
  std::mt19937 random(7);
  const Matrix3 cell{6, 0, 0, 1, 6, 0, 0, 1, 6};
  FrameGraph graph({"H"}, 4, 1);
  graph.build(make_frame(cell, everywhere, random_positions(random, cell, 20, 0)));
  EdgeBlock<double> whole, part;
  graph.edges(graph.centres(), whole);
  graph.edges(graph.centres().subspan(7, 2), part);
  EXPECT_THAT(part.centre, ElementsAre(7, 8));
  EXPECT_EQ(part.edges(), whole.first[9] - whole.first[7]);
  EXPECT_EQ(part.neighbour[0], whole.neighbour[whole.first[7]]);
}

TEST(FrameGraph, MapsElementsToTheModelsSpecies) {
  Frame frame = make_frame({}, nowhere, {0, 0, 0, 1, 0, 0, 2, 0, 0});
  frame.symbols = {"O", "H", "O"};
  FrameGraph graph({"H", "O"}, 3, 1);
  graph.build(frame);
  EXPECT_THAT(std::vector<int>(graph.species().begin(), graph.species().end()), ElementsAre(1, 0, 1));
}

std::string error_of(const Frame& frame) {
  try {
    FrameGraph({"H", "O"}, 5, 1).build(frame);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(FrameGraph, NamesAnAtomOfAnUnknownElement) {
  Frame frame = make_frame({}, nowhere, {0, 0, 0, 1, 0, 0});
  frame.symbols[1] = "Xe";
  EXPECT_THAT(error_of(frame), HasSubstr("atom 2 is Xe, which the model does not know; it knows H O"));
}

TEST(FrameGraph, RefusesCellsThatAreNoCells) {
  const std::vector<double> atom{0, 0, 0};
  EXPECT_THAT(error_of(make_frame({}, everywhere, atom)), HasSubstr("first cell vector, which is zero"));
  EXPECT_THAT(error_of(make_frame({4, 0, 0, 0, 0, 0, 0, 0, 4}, everywhere, atom)), HasSubstr("second cell vector"));
  EXPECT_THAT(error_of(make_frame({4, 0, 0, 0, 4, 0, 4, 4, 0}, everywhere, atom)), HasSubstr("linearly dependent"));
  EXPECT_THAT(error_of(make_frame({4, 0, 0, 8, 0, 0, 0, 0, 0}, {true, true, false}, atom)),
              HasSubstr("linearly dependent"));
  EXPECT_THAT(error_of(make_frame({1e-7, 0, 0, 0, 4, 0, 0, 0, 4}, everywhere, atom)), HasSubstr("far too small"));
  EXPECT_THAT(error_of(make_frame({4, 0, 0, 0, 2e12, 0, 0, 0, 4}, everywhere, atom)),
              HasSubstr("second cell vector, which is 2e+12 Angstrom long"));
  EXPECT_THAT(error_of(make_frame({1e300, 0, 0, 0, 4, 0, 0, 0, 4}, everywhere, atom)), HasSubstr("not finite"));
}

TEST(FrameGraph, RefusesPositionsThatAreNotNumbers) {
  EXPECT_THAT(error_of(make_frame({}, nowhere, {0, 0, 0, 0, std::nan(""), 0})), HasSubstr("position of atom 2"));
  EXPECT_THAT(error_of(make_frame({}, nowhere, {0, 0, 0, 0, -2e12, 0})),
              HasSubstr("atom 2 is more than 1e+12 Angstrom from the origin"));
}

/// Body-centred cubic, 1 Angstrom from atom to atom along the cube's edges.
Frame large_crystal(int cells) {
  std::vector<double> positions;
  for (int x = 0; x < cells; ++x)
    for (int y = 0; y < cells; ++y)
      for (int z = 0; z < cells; ++z)
        for (const double shift : {0.0, 0.5}) positions.insert(positions.end(), {x + shift, y + shift, z + shift});
  const double edge = cells;
  return make_frame({edge, 0, 0, 0, edge, 0, 0, 0, edge}, everywhere, positions);
}

TEST(FrameGraph, FindsAllNeighboursOfSoManyAtomsThatTheyAreSearchedInParts) {
  FrameGraph graph({"H"}, 0.9, 1);
  graph.build(large_crystal(54));
  EXPECT_EQ(graph.own(), 2 * 54 * 54 * 54);
  EXPECT_EQ(graph.edge_count(), 8 * static_cast<std::size_t>(graph.own()));
}

TEST(FrameGraph, CanBeInterrupted) {
  const Frame frame = large_crystal(54);
  FrameGraph graph({"H"}, 0.9, 1);
  {
    const Interruptible interruptible([] { throw Error("interrupted"); });
    EXPECT_THROW(graph.build(frame), Error);
  }
  graph.build(frame);
  EXPECT_EQ(graph.edge_count(), 8 * static_cast<std::size_t>(graph.own()));
}

}  // namespace
}  // namespace grapevine
