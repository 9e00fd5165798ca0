#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "engine/exchange.hpp"
#include "exchange/mpi/halo_plan.hpp"

namespace grapevine {

/// The atoms of one rank, as a HaloPlan is told of them.
struct RankAtoms {
  int own = 0;
  std::vector<Owner> ghosts;
  std::vector<unsigned char> used;  // [ghosts]

  void add_ghost(Owner owner, bool is_used = true);
  int rows() const { return own + static_cast<int>(ghosts.size()); }
};

/// The atoms of every rank. Each rank has the same table, and so can tell without a message what the others hold.
class World {
 public:
  explicit World(int ranks) : ranks_(static_cast<std::size_t>(ranks)) {}

  RankAtoms& operator[](int rank) { return ranks_[rank]; }
  const RankAtoms& operator[](int rank) const { return ranks_[rank]; }
  int size() const { return static_cast<int>(ranks_.size()); }

  /// Atoms of each owner that a rank's edges use, without its own.
  std::map<int, std::set<int>> halo(int rank) const;
  /// Atoms of a rank that each other rank's edges use.
  std::map<int, std::set<int>> sent(int rank) const;
  /// [own] whether any other rank's edges use the atom.
  std::vector<bool> held(int rank) const;

 private:
  std::vector<RankAtoms> ranks_;
};

/// Up to 12 atoms and 40 ghosts a rank, some of them unused, several images of one atom, images of own atoms; some
/// ranks have no atoms or no ghosts.
World random_world(int ranks, unsigned seed);

/// Every rank has four atoms, and a ghost of each atom of every other rank.
World dense_world(int ranks);

int atoms_in(const std::map<int, std::set<int>>& atoms_by_rank);

/// What `rank` has in component `k` of its copy of an atom: in [-1, 1), different for everything that differs.
double number(unsigned seed, int rank, Owner atom, int k);

/// Sleeps for up to 300 microseconds.
void pause(std::mt19937& random);

/// Numbers of atoms with `padding` more between them.
template <class Real>
struct Rows {
  Rows(int rows, int field_width, int padding = 0)
      : width(field_width),
        stride(field_width + padding),
        numbers(static_cast<std::size_t>(rows) * stride, untouched) {}

  Field<Real> field() { return {numbers.data(), width, stride}; }
  Real& at(int row, int k) { return numbers[static_cast<std::size_t>(row) * stride + k]; }

  /// Fills the row with the number()s that `rank` has for an atom.
  void fill(int row, unsigned seed, int rank, Owner atom) {
    for (int k = 0; k < width; ++k) at(row, k) = static_cast<Real>(number(seed, rank, atom, k));
  }

  static constexpr Real untouched = static_cast<Real>(1e30);

  int width;
  int stride;
  std::vector<Real> numbers;
};

/// A test in which all ranks take part.
class MpiTest : public ::testing::Test {
 protected:
  std::shared_ptr<const HaloPlan> plan_of(const World& world) const {
    const RankAtoms& mine = world[rank];
    return std::make_shared<const HaloPlan>(communicator, mine.own, mine.ghosts, mine.used);
  }

  const std::shared_ptr<const Communicator> communicator = std::make_shared<const Communicator>(MPI_COMM_WORLD);
  const int rank = communicator->rank();
  const int ranks = communicator->size();
  const int next = (rank + 1) % ranks;
  const int previous = (rank + ranks - 1) % ranks;
};

}  // namespace grapevine
