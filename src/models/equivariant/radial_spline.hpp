#pragma once

#include <vector>

#include "models/equivariant/radial_weights.hpp"

namespace grapevine::equivariant {

/// The weights of one pass's paths as piecewise polynomials of degree five in the distance. On each interval
/// they have the value and slope of the radial network at both ends and in the middle, so that weights and forces are
/// continuous.
struct RadialSpline {
  static constexpr int coefficients = 6;

  double spacing = 0;               ///< Angstrom, width of an interval
  int intervals = 0;                ///< from 0 to the cutoff
  int columns = 0;                  ///< channels of all paths
  std::vector<double> coefficient;  ///< [intervals][coefficients][columns], of x^0 to x^5 with x from -1 to 1
  double error = 0;  ///< largest difference from the network beyond `least_distance`, over the largest weight there

  /// The distance in Angstrom below which errors are not looked at: no two atoms of a real system come so near.
  static constexpr double least_distance = 0.6;

  /// With the fewest intervals for which the error is at most `tolerance`; or the most of 512 for which coefficients
  /// fit into `most_bytes`: none, with an infinite error, if not even the fewest do.
  static RadialSpline fit(const RadialWeights& weights, double tolerance, double most_bytes);
};

}  // namespace grapevine::equivariant
