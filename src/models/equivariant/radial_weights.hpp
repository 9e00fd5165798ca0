#pragma once

#include <vector>

#include "models/equivariant/activation.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/radial_basis.hpp"

namespace grapevine::equivariant {

/// x_(k+1) = act( x_k weight_k ); no activation after the last.
struct RadialNetwork {
  std::vector<Dense> layers;
  Activation activation;
};

/// The weights of all channels of one pass's paths as functions of the distance: radial network of the radial basis,
/// times r^power, over the denominator.
struct RadialWeights {
  RadialBasis basis;
  RadialNetwork network;      ///< basis -> channels of all paths, in their order
  std::vector<int> channels;  ///< [paths]
  std::vector<int> power;     ///< [paths] of r: the order of harmonics that are not of the unit vector, otherwise 0
  double denominator = 1;

  int columns() const;  ///< channels of all paths
  /// Weights at distance r and their slopes (per Angstrom).
  void evaluate(double r, std::vector<double>& value, std::vector<double>& slope) const;
};

}  // namespace grapevine::equivariant
