#pragma once

#include <array>
#include <cstddef>

#include "engine/graph.hpp"
#include "models/gradient_worker.hpp"
#include "simd/aligned_vector.hpp"

namespace grapevine {

/// How the edge vectors of a block change as atoms move along the slopes of a loss by the forces.
template <class Real>
class EdgeChanges {
 public:
  /// d = r_i - r_j changes by v_i - v_j and, with the slopes u by the virial -sum d (x) dE/dd, by u^T d.
  void set(const EdgeBlock<Real>& edges, const LossSlopes& slopes) {
    for (auto& component : change_) component.resize(edges.x.size());
    for (int c = 0; c < edges.centres(); ++c) {
      const auto i = static_cast<std::size_t>(edges.centre[static_cast<std::size_t>(c)]);
      const double* strain = slopes.virial.empty() ? nullptr : &slopes.virial[9 * i];
      const auto last = static_cast<std::size_t>(edges.first[static_cast<std::size_t>(c) + 1]);
      for (auto e = static_cast<std::size_t>(edges.first[static_cast<std::size_t>(c)]); e < last; ++e) {
        const auto j = static_cast<std::size_t>(edges.neighbour[e]);
        const double d[3] = {static_cast<double>(edges.x[e]), static_cast<double>(edges.y[e]),
                             static_cast<double>(edges.z[e])};
        for (std::size_t b = 0; b < 3; ++b) {
          double change = slopes.forces[3 * i + b] - slopes.forces[3 * j + b];
          if (strain != nullptr)
            for (std::size_t a = 0; a < 3; ++a) change += strain[3 * a + b] * d[a];
          change_[b][e] = static_cast<Real>(change);
        }
      }
    }
  }

  /// [edges] the change of a component of d; there is one direction, 0.
  const Real* change(int /*direction*/, int component) const {
    return change_[static_cast<std::size_t>(component)].data();
  }

 private:
  std::array<simd::AlignedVector<Real>, 3> change_;
};

}  // namespace grapevine
