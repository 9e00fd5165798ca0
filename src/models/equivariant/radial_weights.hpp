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
/// times r^power, over the denominator. If there is a density, tanh( (density . basis)^2 ) follows as one column more.
struct RadialWeights {
  RadialBasis basis;
  RadialNetwork network;      ///< basis -> channels of all paths, in their order
  std::vector<int> channels;  ///< [paths]
  std::vector<int> power;     ///< [paths] of r: the order of harmonics that are not of the unit vector, otherwise 0
  double denominator = 1;
  std::vector<double> density;  ///< [radial functions], or empty

  int columns() const;  ///< channels of all paths, and the density if there is one
  /// Weights at distance r and their slopes (per Angstrom).
  void evaluate(double r, std::vector<double>& value, std::vector<double>& slope) const;
  /// tanh( (density . basis)^2 ) and its slope from those of the basis.
  CutoffValue density_of(const std::vector<double>& basis_value, const std::vector<double>& basis_slope) const;
};

}  // namespace grapevine::equivariant
