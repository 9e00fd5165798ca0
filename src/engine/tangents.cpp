#include "engine/tangents.hpp"

namespace grapevine {

template <class Real>
void EdgeTangents<Real>::set(const EdgeBlock<Real>& edges, const Real* velocities) {
  const auto needed = static_cast<std::size_t>(edges.edges()) + EdgeBlock<Real>::padding;
  if (stride_ < needed) {
    stride_ = needed + needed / 8;
    numbers_.assign(3 * tangent_count * stride_, Real(0));
  }
  const std::vector<Real>* vectors[3] = {&edges.x, &edges.y, &edges.z};
  for (int c = 0; c < edges.centres(); ++c) {
    const Real* of_centre = velocities + 4 * static_cast<std::ptrdiff_t>(edges.centre[c]);
    for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
      const Real* of_neighbour = velocities + 4 * static_cast<std::ptrdiff_t>(edges.neighbour[e]);
      for (int component = 0; component < 3; ++component) {
        Real* change = numbers_.data() + static_cast<std::size_t>(component) * stride_ + e;
        change[0] = of_centre[component] - of_neighbour[component];
        for (std::size_t axis = 0; axis < 3; ++axis)
          change[3 * (axis + 1) * stride_] = -(*vectors[axis])[e] * of_neighbour[component];
      }
    }
  }
}

template class EdgeTangents<double>;
template class EdgeTangents<float>;

}  // namespace grapevine
