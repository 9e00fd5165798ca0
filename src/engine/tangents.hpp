#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/graph.hpp"

namespace grapevine {

/// First derivatives that a pass with tangents carries along with every value: one by time, and one for each axis.
inline constexpr int tangent_count = 4;

/// A value and its tangents.
inline constexpr int jet_size = 1 + tangent_count;

/// How the edge vectors d = r_i - r_j of a block change along each tangent. Arrays have room for the block's padding.
template <class Real>
class EdgeTangents {
 public:
  /// Along time d changes by v_i - v_j, along axis a by -d_a v_j; `velocities` is [rows][4], the fourth number means
  /// nothing. (docs/heat-flux.md)
  void set(const EdgeBlock<Real>& edges, const Real* velocities);

  /// [edges] the change of a component of d.
  const Real* change(int tangent, int component) const {
    return numbers_.data() + static_cast<std::size_t>(3 * tangent + component) * stride_;
  }

 private:
  std::size_t stride_ = 0;
  std::vector<Real> numbers_;  // [tangents][3][stride]
};

/// What a model sees of a block in a pass with tangents. The rows of atoms have jet_size numbers for every one that
/// they have in Block, arranged as the model likes. A neighbour's features come with the tangents it has by itself;
/// seen along an edge, their tangent by axis a is q_j.a + d_a q_j.dot, where q_j.dot is that by time.
template <class Real>
struct TangentBlock {
  const EdgeBlock<Real>& edges;
  const EdgeTangents<Real>& tangents;
  std::span<const int> species;     ///< [own + ghosts]
  std::span<Real* const> features;  ///< [T + 1] x_t as [own + ghosts][jet_size * stride(t)]; features[0] is null
  std::span<Real* const> state;     ///< [T + 1] as [own][jet_size * state_width(t)]
  double* energy;                   ///< [centres][jet_size] written by the last pass: E_i in eV, and its tangents
};

}  // namespace grapevine
