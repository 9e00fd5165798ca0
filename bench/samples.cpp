#include "samples.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include "models/reann/random_parameters.hpp"
#include "structures/frame_graph.hpp"

namespace grapevine::kernel_bench {
namespace {

constexpr double skin = 1;            // Angstrom
constexpr double displacement = 0.1;  // Angstrom, of each coordinate at most
constexpr std::uint64_t seed = 1;

struct Lattice {
  double a;                        // Angstrom
  std::vector<Vector3> basis;      // fractions of the cubic cell, away from its faces
  std::array<int, 3> cells;        // multiples of `group`
  static constexpr int group = 2;  // cells on the edge of a cube whose atoms follow each other
};

// Uniform in [0, 1), the same with every standard library.
double uniform(std::mt19937_64& engine) { return 0x1p-53 * static_cast<double>(engine() >> 11); }

/// Cells in cubes of group^3, so that atoms that follow each other are near each other.
std::vector<std::array<int, 3>> ordered_cells(const Lattice& lattice) {
  std::vector<std::array<int, 3>> cells;
  for (int x = 0; x < lattice.cells[0]; ++x)
    for (int y = 0; y < lattice.cells[1]; ++y)
      for (int z = 0; z < lattice.cells[2]; ++z) cells.push_back({x, y, z});
  const auto cube = [](const std::array<int, 3>& cell) {
    return std::array{cell[0] / Lattice::group, cell[1] / Lattice::group, cell[2] / Lattice::group};
  };
  std::stable_sort(cells.begin(), cells.end(), [&](const auto& a, const auto& b) { return cube(a) < cube(b); });
  return cells;
}

Frame make_crystal(const Lattice& lattice, const std::vector<std::string>& species) {
  std::mt19937_64 engine(seed);
  Frame frame;
  frame.periodic = {true, true, true};
  for (std::size_t k = 0; k < 3; ++k) frame.cell[4 * k] = lattice.a * lattice.cells[k];
  for (const std::array<int, 3>& cell : ordered_cells(lattice))
    for (const Vector3& site : lattice.basis) {
      frame.symbols.push_back(species[engine() % species.size()]);
      for (std::size_t k = 0; k < 3; ++k)
        frame.positions.push_back(lattice.a * (cell[k] + site[k]) + displacement * (2 * uniform(engine) - 1));
    }
  return frame;
}

/// A direction at random.
Vector3 direction(std::mt19937_64& engine) {
  for (;;) {
    Vector3 v;
    double square = 0;
    for (double& x : v) {
      x = 2 * uniform(engine) - 1;
      square += x * x;
    }
    if (square > 1 || square < 0.1) continue;
    for (double& x : v) x /= std::sqrt(square);
    return v;
  }
}

void add_atom(const std::string& symbol, const Vector3& from, double distance, const Vector3& along, Frame& frame) {
  frame.symbols.push_back(symbol);
  for (std::size_t k = 0; k < 3; ++k) frame.positions.push_back(from[k] + distance * along[k]);
}

/// A water molecule around an oxygen: bonds of 0.96 Angstrom at 104.5 degrees.
void add_molecule(const Vector3& oxygen, std::mt19937_64& engine, Frame& frame) {
  constexpr double bond = 0.96;
  constexpr double cosine = -0.2504;
  const Vector3 first = direction(engine);
  const Vector3 other = direction(engine);
  double along = 0;
  for (std::size_t k = 0; k < 3; ++k) along += first[k] * other[k];
  const double across = std::sqrt(1 - along * along);
  Vector3 second;
  for (std::size_t k = 0; k < 3; ++k)
    second[k] = cosine * first[k] + std::sqrt(1 - cosine * cosine) * (other[k] - along * first[k]) / across;
  add_atom("O", oxygen, 0, first, frame);
  add_atom("H", oxygen, bond, first, frame);
  add_atom("H", oxygen, bond, second, frame);
}

Sample make_sample(std::string name, const reann::Sizes& sizes, const Lattice& lattice) {
  return {{std::move(name), ListGraph(make_crystal(lattice, sizes.species), sizes.species, sizes.cutoff, skin)},
          reann::random_parameters(sizes, seed)};
}

}  // namespace

ListGraph::ListGraph(const Frame& frame, const std::vector<std::string>& species, double cutoff, double reach_beyond)
    : own_(frame.atoms()) {
  const double reach = cutoff + reach_beyond;
  FrameGraph far(species, reach, 1);
  far.build(frame);
  species_.assign(far.species().begin(), far.species().end());
  owner_.assign(far.owner().begin(), far.owner().end());
  row_.resize(species_.size());
  std::iota(row_.begin(), row_.end(), 0);
  positions_ = frame.positions;
  positions_.resize(3 * species_.size());
  EdgeBlock<double> block;
  for (int i = 0; i < own_; ++i) {
    far.edges({&i, 1}, block);
    for (int e = 0; e < block.edges(); ++e) {
      const int j = block.neighbour[e];
      neighbour_.push_back(j);
      if (j < own_) continue;
      const double d[3] = {block.x[e], block.y[e], block.z[e]};
      for (int k = 0; k < 3; ++k) positions_[3 * j + k] = positions_[3 * i + k] - d[k];
    }
    first_.push_back(neighbour_.size());
  }
  const int atoms = static_cast<int>(row_.size());
  const AtomRows rows{0, row_.data()};
  in_float_.update(positions_.data(), atoms, rows, cutoff, reach);
  in_double_.update(positions_.data(), atoms, rows, cutoff, reach);
}

std::size_t ListGraph::list_entries(std::span<const int> centres) const {
  std::size_t sum = 0;
  for (const int i : centres) sum += first_[i + 1] - first_[i];
  return sum;
}

template <class Real>
void ListGraph::fill(const EdgeStripper<Real>& stripper, std::span<const int> centres, EdgeBlock<Real>& block) const {
  block.clear();
  for (const int i : centres)
    stripper.append(i, neighbour_.data() + first_[i], static_cast<int>(first_[i + 1] - first_[i]), ~0, block);
}

template void ListGraph::fill(const EdgeStripper<float>&, std::span<const int>, EdgeBlock<float>&) const;
template void ListGraph::fill(const EdgeStripper<double>&, std::span<const int>, EdgeBlock<double>&) const;

BlockList System::blocks(int size) const {
  BlockList list;
  const std::span<const int> centres = graph.centres();
  list.start(size, centres);
  for (std::size_t n = 0; n < centres.size(); ++n) list.add(n, graph.species()[centres[n]]);
  list.finish();
  return list;
}

Sample make_silver() {
  return make_sample(
      "silver", {},
      {4.09, {{0.25, 0.25, 0.25}, {0.25, 0.75, 0.75}, {0.75, 0.25, 0.75}, {0.75, 0.75, 0.25}}, {10, 10, 10}});
}

Sample make_alloy() {
  const reann::Sizes sizes{.species = {"Nb", "Mo", "Ta", "W"}, .cutoff = 5, .waves = 8};
  return make_sample("alloy", sizes, {3.24, {{0.25, 0.25, 0.25}, {0.75, 0.75, 0.75}}, {10, 10, 20}});
}

System make_water() {
  const Lattice lattice{3.104, {{0.5, 0.5, 0.5}}, {6, 6, 6}};
  std::mt19937_64 engine(seed);
  Frame frame;
  frame.periodic = {true, true, true};
  for (std::size_t k = 0; k < 3; ++k) frame.cell[4 * k] = lattice.a * lattice.cells[k];
  for (const std::array<int, 3>& cell : ordered_cells(lattice)) {
    Vector3 oxygen;
    for (std::size_t k = 0; k < 3; ++k) oxygen[k] = lattice.a * (cell[k] + 0.5);
    add_molecule(oxygen, engine, frame);
  }
  return {"water", ListGraph(frame, {"H", "O"}, 5, skin)};
}

}  // namespace grapevine::kernel_bench
