#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "structures/cell.hpp"

namespace grapevine {

/// Atom `second`, moved by `shift` box vectors, is within reach of atom `first`.
struct AtomPair {
  std::int32_t first;
  std::int32_t second;
  std::array<std::int32_t, 3> shift;
};

/// Finds pairs of atoms by vesin. Time and memory go with the atoms and their pairs, in boxes of any shape.
class PairSearch {
 public:
  explicit PairSearch(int threads);
  ~PairSearch();
  PairSearch(const PairSearch&) = delete;
  PairSearch& operator=(const PairSearch&) = delete;

  /// All pairs closer than `reach`, in no particular order, each from both its ends. `positions` [atoms][3] may be
  /// outside of the box, which repeats along its three vectors. Valid until the next call.
  const std::vector<AtomPair>& find(std::span<const double> positions, const Matrix3& vectors, double reach);

 private:
  struct List;

  void search_whole(std::span<const double> positions, const Matrix3& vectors, double cutoff);
  void search_slices(std::span<const double> positions, const Matrix3& vectors, double cutoff, std::size_t k,
                     int slices);
  void run(std::span<const double> positions, const Matrix3& vectors, double cutoff);
  void keep(std::span<const double> positions, const Matrix3& vectors, const AtomPair& pair);

  int threads_;
  double reach_ = 0;
  std::unique_ptr<List> list_;
  std::vector<AtomPair> pairs_;
};

}  // namespace grapevine
