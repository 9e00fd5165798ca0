#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "models/equivariant/radial_spline.hpp"
#include "models/equivariant/radial_weights.hpp"

namespace grapevine::equivariant {

/// The weights of all passes of a potential for all kinds of edges, which differ in the length of the transform.
struct RadialFamily {
  std::vector<RadialWeights> passes;
  std::vector<double> lengths;  ///< [kinds] Angstrom, r_0 of the transform; empty: one kind, as `passes` have it

  std::size_t kinds() const { return lengths.empty() ? 1 : lengths.size(); }
  RadialBasis basis(std::size_t pass, std::size_t kind) const;
};

/// Splines of such weights, each fitted when it is asked for: a potential of many elements has thousands of kinds.
class RadialSplines {
 public:
  /// Memory for tables is limited by the potential's number of parameters. Fits the first: those of the kinds with the
  /// shortest and the longest r_0.
  RadialSplines(RadialFamily family, std::size_t parameters);

  const RadialFamily& family() const { return family_; }
  /// Whether splines are exact enough; otherwise the radial networks have to be evaluated.
  bool bearable() const { return bearable_; }
  /// To be called once for each.
  RadialSpline take(std::size_t pass, std::size_t kind);

 private:
  RadialSpline fit(std::size_t pass, std::size_t kind) const;

  RadialFamily family_;
  double most_bytes_;                                // of a table
  std::vector<std::optional<RadialSpline>> fitted_;  // [passes][kinds]
  bool bearable_ = true;
};

}  // namespace grapevine::equivariant
