#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/equivariant/irreps.hpp"

namespace grapevine::equivariant {

inline constexpr std::size_t max_paths = 1024;  ///< of one message

/// One product of a message: neighbour's irreps `input` times the spherical harmonics of `edge_order`, coupled to
/// `order`, each channel with a weight of its own that depends on the length of the edge. Products are
///   ( a (x) b )[m3] = sqrt(2 l3 + 1) sum_(m1, m2) W[m1][m2][m3] a[m1] b[m2]
/// with W the real Wigner 3j symbol of wigner_3j.hpp and real harmonics in e3nn's order and axes ((x, y, z) for
/// l = 1), of norm sqrt(2 l + 1) on the unit sphere, of the direction from the centre to the neighbour.
struct Path {
  int input = 0;
  int edge_order = 0;
  int order = 0;
  int parity = 1;

  bool operator==(const Path&) const = default;
};

/// What the paths give: irreps one after another, one for each path.
IrrepsList messages(const IrrepsList& input, const std::vector<Path>& paths);

/// Throws Error, starting with `name`, unless there are 1 to 1024 paths and their orders (harmonics up to `edge_order`,
/// those of odd l odd under inversion if `odd_harmonics`) couple.
void check_paths(const std::string& name, const IrrepsList& input, const std::vector<Path>& paths, int edge_order,
                 bool odd_harmonics);

}  // namespace grapevine::equivariant
