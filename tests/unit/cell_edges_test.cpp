#include "neighbours/cell_edges.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <tuple>

#include "neighbours/edge_stripper.hpp"

namespace grapevine {
namespace {

using ::testing::UnorderedElementsAreArray;

constexpr double cutoff = 4;
constexpr double skin = 1;

struct Placement {
  const char* name;
  int atoms;
  double box[3];  // Angstrom
  double far;     // of the origin, Angstrom
};

std::vector<double> random_positions(const Placement& where, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> positions;
  for (int i = 0; i < where.atoms; ++i)
    for (const double length : where.box)
      positions.push_back(where.far + std::uniform_real_distribution<double>(0, length)(random));
  return positions;
}

std::vector<double> moved(std::vector<double> positions, double distance, unsigned seed) {
  std::mt19937 random(seed);
  const double most = distance / std::sqrt(3.0);
  for (double& x : positions) x += std::uniform_real_distribution<double>(-most, most)(random);
  return positions;
}

double distance_squared(const std::vector<double>& positions, int i, int j) {
  double square = 0;
  for (int k = 0; k < 3; ++k) {
    const double d = positions[3 * i + k] - positions[3 * j + k];
    square += d * d;
  }
  return square;
}

constexpr double list_squared = (cutoff + skin) * (cutoff + skin);

/// Each atom's edges as row and vector.
template <class Real>
using Edges = std::vector<std::vector<std::tuple<int, Real, Real, Real>>>;

template <class Real>
void collect(const EdgeBlock<Real>& block, Edges<Real>& edges) {
  for (std::size_t c = 0; c < block.centre.size(); ++c)
    for (auto e = static_cast<std::size_t>(block.first[c]); e < static_cast<std::size_t>(block.first[c + 1]); ++e)
      edges[static_cast<std::size_t>(block.centre[c])].emplace_back(block.neighbour[e], block.x[e], block.y[e],
                                                                    block.z[e]);
}

template <class Real>
Edges<Real> edges_in_cells(const CellEdges<Real>& cells, std::size_t atoms, std::size_t block_size) {
  Edges<Real> edges(atoms);
  for (std::size_t first = 0; first < atoms; first += block_size) {
    EdgeBlock<Real> block;
    cells.append(cells.order().subspan(first, std::min(block_size, atoms - first)), block);
    collect(block, edges);
  }
  return edges;
}

/// From lists of all others within cutoff and skin.
template <class Real>
Edges<Real> edges_of_lists(const std::vector<double>& positions, const std::vector<int>& rows, double length) {
  const auto atoms = static_cast<int>(rows.size());
  EdgeStripper<Real> stripper;
  stripper.update(positions.data(), atoms, {0, rows.data()}, length, cutoff + skin);
  Edges<Real> edges(rows.size());
  for (int i = 0; i < atoms; ++i) {
    std::vector<int> near;
    for (int j = 0; j < atoms; ++j)
      if (j != i && distance_squared(positions, i, j) < list_squared) near.push_back(j);
    EdgeBlock<Real> block;
    block.clear();
    stripper.append(i, near.data(), static_cast<int>(near.size()), -1, block);
    collect(block, edges);
  }
  return edges;
}

template <class Real>
void expect_same_edges(const Edges<Real>& found, const Edges<Real>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    ASSERT_THAT(found[i], UnorderedElementsAreArray(expected[i])) << "atom " << i;
}

class CellEdgesTest : public ::testing::TestWithParam<Placement> {
 protected:
  template <class Real>
  void compare_with_lists() {
    const std::vector<double> positions = random_positions(GetParam(), 1);
    const auto atoms = static_cast<std::size_t>(GetParam().atoms);
    std::vector<int> rows(atoms);
    std::iota(rows.rbegin(), rows.rend(), 100);
    for (const int own : {GetParam().atoms, GetParam().atoms / 3})
      for (const std::size_t most_kept : {std::size_t{0}, atoms})
        compare_with_lists<Real>(positions, rows, own, most_kept);
  }

  template <class Real>
  void compare_with_lists(const std::vector<double>& positions, const std::vector<int>& rows, int own,
                          std::size_t most_kept) {
    CellEdges<Real> cells(most_kept);
    cells.sort(positions.data(), own, GetParam().atoms - own, cutoff, skin);
    for (const double distance : {0.0, 0.2, 0.5 * skin}) {
      const std::vector<double> now = moved(positions, distance, 2);
      cells.update(now.data(), {0, rows.data()});
      for (const double length : {cutoff, 2.5}) {
        cells.set_cutoff(length);
        Edges<Real> expected = edges_of_lists<Real>(now, rows, length);
        expected.resize(static_cast<std::size_t>(own));
        for (const std::size_t block_size : {std::size_t{1}, std::size_t{16}, std::size_t{100}})
          expect_same_edges(edges_in_cells(cells, expected.size(), block_size), expected);
      }
    }
  }
};

TEST_P(CellEdgesTest, AreThoseOfListsInDouble) { compare_with_lists<double>(); }

TEST_P(CellEdgesTest, AreThoseOfListsInFloat) { compare_with_lists<float>(); }

TEST_P(CellEdgesTest, ListsReachAsFarAsTheSkin) {
  const std::vector<double> positions = random_positions(GetParam(), 3);
  CellEdges<double> cells;
  cells.sort(positions.data(), GetParam().atoms, 0, cutoff, skin);
  cells.update(positions.data(), {});
  int visited = 0;
  cells.visit_lists(cells.order(), [&](int i, std::span<const int> neighbours) {
    ++visited;
    std::vector<int> expected;
    for (int j = 0; j < GetParam().atoms; ++j)
      if (j != i && distance_squared(positions, i, j) < list_squared) expected.push_back(j);
    EXPECT_THAT(std::vector<int>(neighbours.begin(), neighbours.end()), UnorderedElementsAreArray(expected));
  });
  EXPECT_EQ(visited, GetParam().atoms);
}

INSTANTIATE_TEST_SUITE_P(
    Everywhere, CellEdgesTest,
    ::testing::Values(Placement{"liquid", 400, {15, 17, 19}, 0}, Placement{"far", 200, {12, 12, 12}, 1e6},
                      Placement{"flat", 200, {40, 30, 0.5}, -20}, Placement{"thread", 100, {1e6, 1, 1}, 0},
                      Placement{"gas", 60, {1e3, 1e3, 1e3}, 0}, Placement{"dense", 150, {3, 3, 3}, 0},
                      Placement{"one", 1, {1, 1, 1}, 5}, Placement{"none", 0, {1, 1, 1}, 0}),
    [](const auto& placement) { return std::string(placement.param.name); });

TEST(CellEdges, OrderHasEachAtomOnceAndNeighboursTogether) {
  const Placement where{"", 1000, {30, 30, 30}, 0};
  const std::vector<double> positions = random_positions(where, 4);
  CellEdges<double> cells;
  cells.sort(positions.data(), where.atoms, 0, cutoff, skin);
  std::vector<int> order(cells.order().begin(), cells.order().end());
  double together = 0;
  for (std::size_t n = 1; n < order.size(); ++n)
    together += std::hypot(positions[3 * order[n]] - positions[3 * order[n - 1]],
                           positions[3 * order[n] + 1] - positions[3 * order[n - 1] + 1],
                           positions[3 * order[n] + 2] - positions[3 * order[n - 1] + 2]);
  EXPECT_LT(together / 999, 6);  // two atoms at random: 20
  std::sort(order.begin(), order.end());
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(order[i], i);
}

TEST(CellEdges, AtomsOnTopOfEachOtherAreAnError) {
  const std::vector<double> positions{0, 0, 0, 1, 0, 0, 1, 0, 0.005};
  const std::vector<int> rows{0, 1, 2};
  CellEdges<float> cells;
  cells.sort(positions.data(), 3, 0, cutoff, skin);
  cells.update(positions.data(), {0, rows.data()});
  EdgeBlock<float> block;
  try {
    cells.append(std::vector{1}, block);
    FAIL();
  } catch (const AtomError& problem) {
    EXPECT_EQ(problem.first, 1);
    EXPECT_EQ(problem.second, 2);
    EXPECT_NEAR(problem.distance, 0.005, 1e-6);
  }
}

TEST(CellEdges, PositionsThatAreNotFiniteAreAnError) {
  std::vector<double> positions{0, 0, 0, 1, 0, 0};
  const std::vector<int> rows{0, 1};
  CellEdges<float> cells;
  cells.sort(positions.data(), 2, 0, cutoff, skin);
  positions[4] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(cells.update(positions.data(), {0, rows.data()}), AtomError);
  EXPECT_THROW(cells.sort(positions.data(), 2, 0, cutoff, skin), AtomError);
  EXPECT_THROW(cells.sort(positions.data(), 1, 1, cutoff, skin), AtomError);
}

}  // namespace
}  // namespace grapevine
