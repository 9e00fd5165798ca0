#include "structures/frame_graph.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "structures/close_gaps.hpp"
#include "structures/pair_search.hpp"
#include "support/error.hpp"
#include "threads/interruption.hpp"

namespace grapevine {
namespace {

// A neighbour is an atom and a shift by so many box vectors, packed into one number that sorts by atom, then shift.
constexpr int shift_bits = 10;
constexpr std::int64_t largest_shift = (1 << (shift_bits - 1)) - 1;
constexpr std::uint64_t shift_mask = (1 << shift_bits) - 1;

/// The far end of a pair.
std::uint64_t pack(const AtomPair& pair) {
  auto packed = static_cast<std::uint64_t>(pair.second);
  for (const std::int32_t shift : pair.shift)
    packed = (packed << shift_bits) | static_cast<std::uint64_t>(shift + largest_shift);
  return packed;
}

int atom_of(std::uint64_t packed) { return static_cast<int>(packed >> (3 * shift_bits)); }

std::array<int, 3> shift_of(std::uint64_t packed) {
  const auto part = [&](int k) {
    return static_cast<int>((packed >> ((2 - k) * shift_bits)) & shift_mask) - static_cast<int>(largest_shift);
  };
  return {part(0), part(1), part(2)};
}

bool is_image(std::uint64_t packed) { return shift_of(packed) != std::array<int, 3>{}; }

constexpr std::size_t items_between_points = 4096;  // of interruption

/// With points of interruption.
template <class Items, class Function>
void for_each(const Items& items, const Function& function) {
  std::size_t n = 0;
  for (const auto& item : items) {
    if (n++ % items_between_points == 0) interruption_point();
    function(item);
  }
}

void check_position(double component, std::size_t number) {
  if (!std::isfinite(component)) throw Error(fmt::format("the position of atom {} is not finite", number));
  if (std::abs(component) > largest_length)
    throw Error(fmt::format("atom {} is more than {:g} Angstrom from the origin; check the units of positions", number,
                            largest_length));
}

// Empty space between atoms that is left where it is cut out, in reaches: nothing sees across.
constexpr double widest_gap = 1.5;

// Images of one atom within reach, beyond which a cell cannot be meant.
constexpr double most_images = 1e6;

}  // namespace

/// The structure that neighbours were searched for, and where its atoms were placed.
struct FrameGraph::Listed {
  std::vector<std::string> symbols;
  std::vector<double> positions;  // [own][3] as the structure has them
  Matrix3 cell{};
  std::array<bool, 3> periodic{};
  std::vector<double> offset;  // [own][3] from there to where they were placed
  SearchBox box;
};

FrameGraph::FrameGraph(const std::vector<std::string>& species, double cutoff, int threads, double skin)
    : names_(species),
      cutoff_(cutoff),
      reach_(cutoff + std::max(0.0, skin)),
      pairs_(std::make_unique<PairSearch>(std::max(1, threads))) {
  for (std::size_t s = 0; s < names_.size(); ++s) index_of_.emplace(names_[s], static_cast<int>(s));
}

FrameGraph::~FrameGraph() = default;

Error FrameGraph::describe(const AtomError& problem, const Frame& frame) const {
  const bool image = problem.second >= own_;
  const auto name = [&](int atom) {
    return fmt::format("{} ({})", atom + 1, frame.symbols[static_cast<std::size_t>(atom)]);
  };
  const int second = image ? owner_[static_cast<std::size_t>(problem.second - own_)] : problem.second;
  return Error(fmt::format("atoms {} and {}{} are only {:.3g} Angstrom apart", name(problem.first),
                           image ? "a periodic image of " : "", name(second), problem.distance));
}

void FrameGraph::build(const Frame& frame) {
  const std::optional<Matrix3> strain = strain_since_search(frame);
  if (strain && lists_cover(frame, *strain))
    follow(frame, *strain);
  else
    search(frame);
  const int atoms = own_ + ghosts();
  const AtomRows rows{0, row_.data()};
  in_float_.update(positions_.data(), atoms, rows, cutoff_, reach_);
  in_double_.update(positions_.data(), atoms, rows, cutoff_, reach_);
}

void FrameGraph::search(const Frame& frame) {
  listed_.reset();
  ++searches_;
  own_ = frame.atoms();
  map_species(frame);
  box_ = SearchBox::of(frame.cell, frame.periodic);
  check_image_count();
  place_atoms(frame);
  std::vector<std::uint64_t> packed;
  pack_pairs(pairs_->find(positions_, box_.vectors, reach_), packed);
  make_ghosts(packed);
  number_neighbours(packed);
  row_.resize(species_.size());
  std::iota(row_.begin(), row_.end(), 0);
  if (reach_ == cutoff_) return;
  listed_ = std::make_unique<Listed>(
      Listed{frame.symbols, frame.positions, frame.cell, frame.periodic, frame.positions, box_});
  for (std::size_t n = 0; n < frame.positions.size(); ++n) listed_->offset[n] = positions_[n] - frame.positions[n];
}

/// The matrix that takes the cell of the search to this structure's, if the structure is otherwise the same system.
std::optional<Matrix3> FrameGraph::strain_since_search(const Frame& frame) const {
  if (!listed_ || frame.symbols != listed_->symbols || frame.periodic != listed_->periodic) return std::nullopt;
  if (frame.cell == listed_->cell) return identity;
  if (!is_bulk(frame.periodic)) return std::nullopt;
  return product(inverse(listed_->cell), frame.cell);
}

// A pair d of the search that is now d F + u_i - u_j, u being what atoms moved apart from the strain F, is at least
// (1 - |F - 1|) |d| - 2 max |u| long.
bool FrameGraph::lists_cover(const Frame& frame, const Matrix3& strain) const {
  double largest = 0;
  for (std::size_t i = 0; i < frame.symbols.size(); ++i) {
    const Vector3 before = times(&listed_->positions[3 * i], strain);
    double square = 0;
    for (std::size_t x = 0; x < 3; ++x) {
      const double moved = frame.positions[3 * i + x] - before[x];
      square += moved * moved;
    }
    if (!(square < reach_ * reach_)) return false;
    largest = std::max(largest, square);
  }
  return (1 - distance_from_identity(strain)) * reach_ - 2 * std::sqrt(largest) > cutoff_ * (1 + 1e-12);
}

void FrameGraph::follow(const Frame& frame, const Matrix3& strain) {
  box_.vectors = product(listed_->box.vectors, strain);
  for (std::size_t i = 0; i < frame.symbols.size(); ++i) {
    const Vector3 offset = times(&listed_->offset[3 * i], strain);
    for (std::size_t x = 0; x < 3; ++x) positions_[3 * i + x] = frame.positions[3 * i + x] + offset[x];
  }
  for (std::size_t g = 0; g < ghost_.size(); ++g) place_ghost(ghost_[g], &positions_[3 * (frame.symbols.size() + g)]);
}

void FrameGraph::map_species(const Frame& frame) {
  species_.resize(frame.symbols.size());
  for (std::size_t i = 0; i < frame.symbols.size(); ++i) {
    const auto found = index_of_.find(frame.symbols[i]);
    if (found == index_of_.end())
      throw Error(fmt::format("atom {} is {}, which the model does not know; it knows {}", i + 1, frame.symbols[i],
                              fmt::join(names_, " ")));
    species_[i] = found->second;
  }
}

void FrameGraph::check_image_count() const {
  double images = 1;
  for (std::size_t k = 0; k < 3; ++k) {
    if (!box_.periodic[k]) continue;
    const double reach = std::ceil(reach_ / box_.height(k)) + 1;
    images *= 2 * reach + 1;
    if (!(images <= most_images && reach <= static_cast<double>(largest_shift)))
      throw Error(
          fmt::format("the cell is only {:.3g} Angstrom high along one of its vectors, far too small for the "
                      "cutoff of {} Angstrom; check the cell and its units",
                      box_.height(k), cutoff_));
  }
}

// Atoms are wrapped into the box along periodic directions. Along the others empty space is cut out (nothing sees
// across it) and the box is made so long that no image of it comes within the cutoff: it can then be searched as if it
// were periodic in all directions, whatever the structure. From a periodic box that is nearly empty the empty space is
// cut out as well.
void FrameGraph::place_atoms(const Frame& frame) {
  const std::size_t atoms = frame.symbols.size();
  positions_.assign(frame.positions.begin(), frame.positions.end());
  for (std::size_t n = 0; n < positions_.size(); ++n) check_position(positions_[n], n / 3 + 1);
  std::vector<Vector3> fractions(atoms);
  for (std::size_t i = 0; i < atoms; ++i) fractions[i] = box_.fractional(&positions_[3 * i]);
  const bool empty = is_nearly_empty();
  for (std::size_t k = 0; k < 3; ++k) {
    if (!box_.periodic[k] || (empty && box_.height(k) > 2 * widest_gap * reach_))
      compact(fractions, k);
    else
      for (std::size_t i = 0; i < atoms; ++i) move(i, k, -std::floor(fractions[i][k]));
  }
}

/// Whether the periodic directions hold far more volumes of the reach cubed than atoms.
bool FrameGraph::is_nearly_empty() const {
  constexpr double few = 1000;
  double volumes = 1;
  for (std::size_t k = 0; k < 3; ++k)
    if (box_.periodic[k]) volumes *= std::max(1.0, box_.height(k) / reach_);
  return volumes > own_ + few;
}

void FrameGraph::move(std::size_t atom, std::size_t k, double multiple) {
  for (std::size_t x = 0; x < 3; ++x) positions_[3 * atom + x] += multiple * box_.vectors[3 * k + x];
}

// Fractions are counted from the nearest corner of the box, where they are small: in a cell of a thousand kilometres
// those of atoms in its middle have lost their digits, but no others.
void FrameGraph::compact(const std::vector<Vector3>& fractions, std::size_t k) {
  const bool periodic = box_.periodic[k];
  std::vector<double> places(fractions.size());
  for (std::size_t i = 0; i < places.size(); ++i)
    places[i] = fractions[i][k] - (periodic ? std::nearbyint(fractions[i][k]) : 0);
  const ClosedGaps closed = close_gaps(places, widest_gap * reach_ / box_.height(k), periodic);
  for (std::size_t i = 0; i < places.size(); ++i) move(i, k, closed.moves[i] - (fractions[i][k] - places[i]));
  const double length = closed.length + (periodic ? 0 : 2 * reach_);
  for (std::size_t x = 0; x < 3; ++x) box_.vectors[3 * k + x] *= length;
}

// The far ends of the edges of each atom, sorted.
void FrameGraph::pack_pairs(const std::vector<AtomPair>& pairs, std::vector<std::uint64_t>& packed) {
  first_.assign(static_cast<std::size_t>(own_) + 2, 0);
  for_each(pairs, [&](const AtomPair& pair) { ++first_[static_cast<std::size_t>(pair.first) + 2]; });
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  packed.resize(pairs.size());
  for_each(pairs,
           [&](const AtomPair& pair) { packed[first_[static_cast<std::size_t>(pair.first) + 1]++] = pack(pair); });
  first_.pop_back();
  for (std::size_t i = 0; i < static_cast<std::size_t>(own_); ++i) {
    if (i % items_between_points == 0) interruption_point();
    std::sort(packed.begin() + static_cast<std::ptrdiff_t>(first_[i]),
              packed.begin() + static_cast<std::ptrdiff_t>(first_[i + 1]));
  }
}

void FrameGraph::make_ghosts(const std::vector<std::uint64_t>& packed) {
  ghost_.clear();
  std::copy_if(packed.begin(), packed.end(), std::back_inserter(ghost_), is_image);
  std::sort(ghost_.begin(), ghost_.end());
  ghost_.erase(std::unique(ghost_.begin(), ghost_.end()), ghost_.end());
  if (ghost_.size() > static_cast<std::size_t>(std::numeric_limits<int>::max() - own_))
    throw Error("the structure has too many periodic images within the cutoff");
  owner_.clear();
  for (const std::uint64_t ghost : ghost_) {
    const int atom = atom_of(ghost);
    owner_.push_back(atom);
    species_.push_back(species_[static_cast<std::size_t>(atom)]);
    positions_.resize(positions_.size() + 3);
    place_ghost(ghost, &positions_[positions_.size() - 3]);
  }
}

void FrameGraph::place_ghost(std::uint64_t ghost, double* position) const {
  const std::array<int, 3> shift = shift_of(ghost);
  for (std::size_t x = 0; x < 3; ++x) {
    position[x] = positions_[3 * static_cast<std::size_t>(atom_of(ghost)) + x];
    for (std::size_t k = 0; k < 3; ++k) position[x] += shift[k] * box_.vectors[3 * k + x];
  }
}

void FrameGraph::number_neighbours(const std::vector<std::uint64_t>& packed) {
  neighbour_.clear();
  neighbour_.reserve(packed.size());
  for_each(packed, [&](std::uint64_t end) {
    if (is_image(end)) {
      const auto ghost = std::lower_bound(ghost_.begin(), ghost_.end(), end) - ghost_.begin();
      neighbour_.push_back(own_ + static_cast<int>(ghost));
    } else {
      neighbour_.push_back(atom_of(end));
    }
  });
}

template <class Real>
void FrameGraph::fill(const EdgeStripper<Real>& stripper, std::span<const int> centres, EdgeBlock<Real>& block) const {
  block.clear();
  for (const int i : centres) {
    const std::size_t first = first_[static_cast<std::size_t>(i)];
    const std::size_t count = first_[static_cast<std::size_t>(i) + 1] - first;
    stripper.append(i, neighbour_.data() + first, static_cast<int>(count), ~0, block);
  }
}

void FrameGraph::edges(std::span<const int> centres, EdgeBlock<float>& block) const { fill(in_float_, centres, block); }

void FrameGraph::edges(std::span<const int> centres, EdgeBlock<double>& block) const {
  fill(in_double_, centres, block);
}

}  // namespace grapevine
