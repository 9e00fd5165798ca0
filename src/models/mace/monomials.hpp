#pragma once

#include <cstddef>
#include <vector>

#include "models/mace/parameters.hpp"

namespace grapevine::mace {

/// The products of components of A in some contractions, nested for Horner's scheme: one component of an output is
///   B = sum_i A_i ( c_i + sum_(j >= i) A_j ( c_ij + sum_(k >= j) c_ijk A_k ) )
/// with as many coefficients c for each channel as there are singles, pairs and triples, in this order of nesting.
/// Those that only hold others are zero.
struct Monomials {
  struct Single {
    int i = 0;
    int pairs = 0;  ///< how many follow
  };
  struct Pair {
    int j = 0;
    int triples = 0;  ///< how many follow
  };
  struct Output {
    int irreps = 0;     ///< the contraction
    int component = 0;  ///< of it
    int singles = 0;    ///< how many follow
  };
  std::vector<Output> outputs;  ///< components of all contractions, in their order
  std::vector<Single> singles;
  std::vector<Pair> pairs;
  std::vector<int> triples;  ///< k

  explicit Monomials(const std::vector<Contraction>& contractions);

  std::size_t coefficients() const { return singles.size() + pairs.size() + triples.size(); }
};

/// c of one species, as [coefficients][channels]: weights of all paths are summed up.
std::vector<double> folded_coefficients(const std::vector<Contraction>& contractions, std::size_t species,
                                        int channels);

}  // namespace grapevine::mace
