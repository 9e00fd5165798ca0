#include "world.hpp"

#include <chrono>
#include <cstddef>
#include <thread>

namespace grapevine {

namespace {

int random_int(std::mt19937& random, int low, int high) { return std::uniform_int_distribution(low, high)(random); }

std::vector<Owner> all_atoms(const World& world) {
  std::vector<Owner> atoms;
  for (int rank = 0; rank < world.size(); ++rank)
    for (int atom = 0; atom < world[rank].own; ++atom) atoms.push_back({rank, atom});
  return atoms;
}

// splitmix64, by Sebastiano Vigna
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

void RankAtoms::add_ghost(Owner owner, bool is_used) {
  ghosts.push_back(owner);
  used.push_back(is_used);
}

std::map<int, std::set<int>> World::halo(int rank) const {
  std::map<int, std::set<int>> atoms;
  const RankAtoms& mine = ranks_[rank];
  for (std::size_t g = 0; g < mine.ghosts.size(); ++g)
    if (mine.used[g] && mine.ghosts[g].rank != rank) atoms[mine.ghosts[g].rank].insert(mine.ghosts[g].atom);
  return atoms;
}

std::map<int, std::set<int>> World::sent(int rank) const {
  std::map<int, std::set<int>> atoms;
  for (int holder = 0; holder < size(); ++holder)
    if (auto halo_there = halo(holder); halo_there.count(rank)) atoms[holder] = halo_there[rank];
  return atoms;
}

std::vector<bool> World::held(int rank) const {
  std::vector<bool> is_held(static_cast<std::size_t>(ranks_[rank].own), false);
  for (const auto& [holder, atoms] : sent(rank))
    for (const int atom : atoms) is_held[atom] = true;
  return is_held;
}

World random_world(int ranks, unsigned seed) {
  std::mt19937 random(seed);
  World world(ranks);
  for (int rank = 0; rank < ranks; ++rank) world[rank].own = random_int(random, 0, 4) ? random_int(random, 1, 12) : 0;
  const std::vector<Owner> atoms = all_atoms(world);
  if (atoms.empty()) return world;
  for (int rank = 0; rank < ranks; ++rank) {
    const int ghosts = random_int(random, 0, 4) ? random_int(random, 1, 40) : 0;
    for (int g = 0; g < ghosts; ++g)
      world[rank].add_ghost(atoms[random_int(random, 0, static_cast<int>(atoms.size()) - 1)],
                            random_int(random, 0, 2) > 0);
  }
  return world;
}

World dense_world(int ranks) {
  World world(ranks);
  for (int rank = 0; rank < ranks; ++rank) world[rank].own = 4;
  for (int rank = 0; rank < ranks; ++rank)
    for (const Owner& atom : all_atoms(world))
      if (atom.rank != rank) world[rank].add_ghost(atom);
  return world;
}

int atoms_in(const std::map<int, std::set<int>>& atoms_by_rank) {
  std::size_t sum = 0;
  for (const auto& [rank, atoms] : atoms_by_rank) sum += atoms.size();
  return static_cast<int>(sum);
}

double number(unsigned seed, int rank, Owner atom, int k) {
  std::uint64_t x = seed;
  for (const int part : {rank, atom.rank, atom.atom, k}) x = mix(x ^ static_cast<std::uint64_t>(part));
  return static_cast<double>(x >> 11) * 0x1p-52 - 1;
}

void pause(std::mt19937& random) { std::this_thread::sleep_for(std::chrono::microseconds(random_int(random, 0, 300))); }

}  // namespace grapevine
