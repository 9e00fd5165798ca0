#pragma once

#include <cstddef>
#include <vector>

#include "models/mace/parameters.hpp"

namespace grapevine {

/// The products of one degree that mace-torch couples to irreps of one order without use_reduced_cg: U_matrix_<degree>
/// of its Contraction. They are more than are independent.
struct MaceBasis {
  int degree = 0;
  int order = 0;
  int components = 0;          ///< of the message, per channel
  int paths = 0;               ///< U's last dimension
  std::vector<double> matrix;  ///< [2 order + 1][components] .. degree times .. [components][paths]
};

/// Of messages of orders 0 to `highest` and natural parity; in mace-torch's order, with the signs of e3nn 0.4, which it
/// demands.
MaceBasis mace_basis(int highest, int degree, int order);

/// Weights by which such products, one basis for each degree from 1 on, are the contraction.
struct MaceWeights {
  std::vector<std::vector<double>> of_degree;  ///< [degrees][species][paths][channels]
  double residual = 0;                         ///< largest coefficient that is left, by the largest of all
};

/// A contraction that has mace-torch's paths keeps its weights; of others the smallest weights are taken that do it.
MaceWeights mace_weights(const mace::Contraction& contraction, const std::vector<MaceBasis>& bases, std::size_t species,
                         int channels);

/// The most factors in a product of the contraction.
int degree_of(const mace::Contraction& contraction);

}  // namespace grapevine
