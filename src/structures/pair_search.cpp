#include "structures/pair_search.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <vesin.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/error.hpp"
#include "threads/interruption.hpp"

namespace grapevine {
namespace {

// vesin's searches share a pool of threads behind one lock. In a process forked while another thread searches that lock
// would be closed for ever; so a fork waits until searches have ended, and keeps others from beginning.
pthread_rwlock_t searching = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

void before_fork() { pthread_rwlock_wrlock(&searching); }
void after_fork_in_parent() { pthread_rwlock_unlock(&searching); }
void after_fork_in_child() { searching = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP; }

// Registered behind vesin's own handler, so that before a fork this one is called first.
[[maybe_unused]] const int registered = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);

class NoForkMeanwhile {
 public:
  NoForkMeanwhile() { pthread_rwlock_rdlock(&searching); }
  ~NoForkMeanwhile() { pthread_rwlock_unlock(&searching); }
  NoForkMeanwhile(const NoForkMeanwhile&) = delete;
  NoForkMeanwhile& operator=(const NoForkMeanwhile&) = delete;
};

// vesin divides a box into at most 1e5 bins; where that would leave less than one bin along a direction it divides by
// zero. Half of that leaves room for rounding.
constexpr double most_bins = 5e4;

double height(const Matrix3& vectors, std::size_t k) {
  const Vector3 normal = cross(row(vectors, (k + 1) % 3), row(vectors, (k + 2) % 3));
  return volume(vectors) / std::sqrt(dot(normal, normal));
}

/// How a box is searched: as one, or in slices along vector `k`.
struct Division {
  double cutoff = 0;
  std::size_t k = 0;
  int slices = 1;
};

// A box that is too long for vesin is cut into slices, of four bins or more beside the two of their neighbourhoods.
// Where it is too long in two directions, it is searched further than needed: it can hold but few atoms.
Division division_of(const Matrix3& vectors, double reach) {
  Division how{reach * (1 + 1e-12), 0, 1};
  while (true) {
    std::array<double, 3> bins{};
    for (std::size_t k = 0; k < 3; ++k) bins[k] = std::max(1.0, std::floor(height(vectors, k) / how.cutoff));
    const double all = bins[0] * bins[1] * bins[2];
    const double fewest = *std::min_element(bins.begin(), bins.end());
    if (all < most_bins || fewest * std::cbrt(most_bins / all) > 2) return how;
    how.k = static_cast<std::size_t>(std::max_element(bins.begin(), bins.end()) - bins.begin());
    const double in_a_slice = std::floor(most_bins / (all / bins[how.k])) - 2;
    if (in_a_slice >= 4) {
      how.slices = static_cast<int>(std::ceil(bins[how.k] / in_a_slice));
      return how;
    }
    how.cutoff *= 1.1;
  }
}

// vesin cannot be interrupted: so many atoms take it a part of a second.
constexpr double most_atoms = 150000;

/// The same with more slices, if there are many atoms and the slices are not too thin then.
Division with_few_atoms(Division how, const Matrix3& vectors, std::size_t atoms) {
  std::array<double, 3> bins{};
  for (std::size_t k = 0; k < 3; ++k) bins[k] = height(vectors, k) / how.cutoff;
  if (how.slices == 1) how.k = static_cast<std::size_t>(std::max_element(bins.begin(), bins.end()) - bins.begin());
  const double wanted = std::ceil(static_cast<double>(atoms) / most_atoms);
  how.slices = std::max(how.slices, static_cast<int>(std::min(wanted, bins[how.k] / 4)));
  return how;
}

/// The atoms of a slice and those within the cutoff of it, which may be moved by a vector of the box.
struct Slice {
  std::vector<std::int32_t> atom;
  std::vector<std::int32_t> turn;  // number of vectors it is moved by
  std::vector<bool> inside;        // of the slice itself
  std::vector<double> positions;
};

/// Cuts a box into slices of equal thickness along vector k.
class Slicer {
 public:
  Slicer(std::span<const double> positions, const Matrix3& vectors, double cutoff, std::size_t k, int slices)
      : positions_(positions),
        vector_(row(vectors, k)),
        fraction_(positions.size() / 3),
        order_(fraction_.size()),
        slices_(slices),
        thickness_(1.0 / slices),
        margin_(cutoff / height(vectors, k)) {
    const Matrix3 to_fractions = inverse(vectors);
    for (std::size_t i = 0; i < fraction_.size(); ++i) fraction_[i] = times(&positions[3 * i], to_fractions)[k];
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) { return fraction_[a] < fraction_[b]; });
    begin_ = fraction_[order_.front()];
  }

  /// In vectors k: with this much of it the box of a slice is so long that its images are out of sight.
  double length() const { return thickness_ + 4 * margin_; }

  Slice slice(int s) const {
    const double lower = begin_ + s * thickness_;
    const double upper = begin_ + (s + 1) * thickness_;
    const bool last = s + 1 == slices_;
    Slice slice;
    for (std::int32_t turn = -1; turn <= 1; ++turn) {
      const auto before = [&](std::size_t i, double place) { return fraction_[i] + turn < place; };
      const auto first = std::lower_bound(order_.begin(), order_.end(), lower - margin_, before);
      const auto end = std::lower_bound(first, order_.end(), upper + margin_, before);
      for (auto i = first; i != end; ++i) {
        slice.atom.push_back(static_cast<std::int32_t>(*i));
        slice.turn.push_back(turn);
        slice.inside.push_back(turn == 0 && fraction_[*i] >= lower && (last || fraction_[*i] < upper));
        for (std::size_t x = 0; x < 3; ++x) slice.positions.push_back(positions_[3 * *i + x] + turn * vector_[x]);
      }
    }
    return slice;
  }

 private:
  std::span<const double> positions_;
  Vector3 vector_;
  std::vector<double> fraction_;    // [atoms] along the vector
  std::vector<std::size_t> order_;  // [atoms] by fraction
  int slices_;
  double thickness_;
  double margin_;
  double begin_ = 0;
};

}  // namespace

struct PairSearch::List {
  VesinNeighborList list;
  ~List() { vesin_free(&list); }
};

PairSearch::PairSearch(int threads) : threads_(threads), list_(std::make_unique<List>()) {}

PairSearch::~PairSearch() = default;

const std::vector<AtomPair>& PairSearch::find(std::span<const double> positions, const Matrix3& vectors, double reach) {
  pairs_.clear();
  reach_ = reach;
  const Division how = with_few_atoms(division_of(vectors, reach), vectors, positions.size() / 3);
  if (how.slices == 1)
    search_whole(positions, vectors, how.cutoff);
  else
    search_slices(positions, vectors, how.cutoff, how.k, how.slices);
  return pairs_;
}

void PairSearch::search_whole(std::span<const double> positions, const Matrix3& vectors, double cutoff) {
  run(positions, vectors, cutoff);
  const VesinNeighborList& list = list_->list;
  pairs_.reserve(list.length);
  for (std::size_t p = 0; p < list.length; ++p)
    keep(positions, vectors,
         {static_cast<std::int32_t>(list.pairs[p][0]),
          static_cast<std::int32_t>(list.pairs[p][1]),
          {list.shifts[p][0], list.shifts[p][1], list.shifts[p][2]}});
}

void PairSearch::search_slices(std::span<const double> positions, const Matrix3& vectors, double cutoff, std::size_t k,
                               int slices) {
  const Slicer slicer(positions, vectors, cutoff, k, slices);
  Matrix3 box = vectors;
  for (std::size_t x = 0; x < 3; ++x) box[3 * k + x] *= slicer.length();
  for (int s = 0; s < slices; ++s) {
    interruption_point();
    // To move gigabytes to a larger place takes as long as a slice.
    if (s == 1) pairs_.reserve(pairs_.size() * static_cast<std::size_t>(slices + 1));
    const Slice slice = slicer.slice(s);
    run(slice.positions, box, cutoff);
    const VesinNeighborList& list = list_->list;
    for (std::size_t p = 0; p < list.length; ++p) {
      const auto [a, b] = list.pairs[p];
      if (!slice.inside[a]) continue;
      AtomPair pair{slice.atom[a], slice.atom[b], {list.shifts[p][0], list.shifts[p][1], list.shifts[p][2]}};
      pair.shift[k] = slice.turn[b];
      keep(positions, vectors, pair);
    }
  }
}

void PairSearch::run(std::span<const double> positions, const Matrix3& vectors, double cutoff) {
  VesinOptions options{};
  options.cutoff = cutoff;
  options.full = true;
  options.sorted = false;
  options.algorithm = VesinAutoAlgorithm;
  options.n_threads = threads_;
  options.return_shifts = true;
  double box[3][3];
  for (std::size_t n = 0; n < 9; ++n) box[n / 3][n % 3] = vectors[n];
  const bool periodic[3] = {true, true, true};
  const char* message = nullptr;
  const auto* points = reinterpret_cast<const double(*)[3]>(positions.data());
  const NoForkMeanwhile guard;
  if (vesin_neighbors(points, positions.size() / 3, box, periodic, {VesinCPU, 0}, options, &list_->list, &message) != 0)
    throw Error(fmt::format("the neighbour search failed: {}", message ? message : "no reason given"));
}

void PairSearch::keep(std::span<const double> positions, const Matrix3& vectors, const AtomPair& pair) {
  const double* first = &positions[3 * static_cast<std::size_t>(pair.first)];
  const double* second = &positions[3 * static_cast<std::size_t>(pair.second)];
  double square = 0;
  for (std::size_t x = 0; x < 3; ++x) {
    double d = first[x] - second[x];
    for (std::size_t k = 0; k < 3; ++k) d -= pair.shift[k] * vectors[3 * k + x];
    square += d * d;
  }
  if (square < reach_ * reach_) pairs_.push_back(pair);
}

}  // namespace grapevine
