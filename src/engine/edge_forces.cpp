#include "engine/edge_forces.hpp"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/edge_forces.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace grapevine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Two = hn::FixedTag<double, 2>;

HWY_INLINE void load_three(const double* from, hn::Vec<Two>& xy, double& z) {
  xy = hn::LoadU(Two(), from);
  z = from[2];
}

HWY_INLINE void load_three(const float* from, hn::Vec<Two>& xy, double& z) {
  xy = hn::PromoteTo(Two(), hn::LoadU(hn::FixedTag<float, 2>(), from));
  z = static_cast<double>(from[2]);
}

template <class Real>
HWY_INLINE void add_forces(const EdgeBlock<Real>& edges, const Real* HWY_RESTRICT edge_gradient, double unit,
                           double* HWY_RESTRICT forces) {
  const Two d;
  const auto units = hn::Set(d, unit);
  const int* HWY_RESTRICT first = edges.first.data();
  const int* HWY_RESTRICT neighbour = edges.neighbour.data();
  const int centres = edges.centres();
  for (int c = 0; c < centres; ++c) {
    auto sum_xy = hn::Zero(d);
    double sum_z = 0;
    const int end = first[c + 1];
    for (int e = first[c]; e < end; ++e) {
      hn::Vec<Two> xy;
      double z;
      load_three(edge_gradient + 4 * static_cast<std::ptrdiff_t>(e), xy, z);
      xy = hn::Mul(xy, units);
      z *= unit;
      sum_xy = hn::Add(sum_xy, xy);
      sum_z += z;
      double* force = forces + 3 * static_cast<std::ptrdiff_t>(neighbour[e]);
      hn::StoreU(hn::Add(hn::LoadU(d, force), xy), d, force);
      force[2] += z;
    }
    double* force = forces + 3 * static_cast<std::ptrdiff_t>(edges.centre[c]);
    hn::StoreU(hn::Sub(hn::LoadU(d, force), sum_xy), d, force);
    force[2] -= sum_z;
  }
}

void AddForcesInFloat(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* forces) {
  add_forces(edges, edge_gradient, unit, forces);
}

void AddForcesInDouble(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* forces) {
  add_forces(edges, edge_gradient, unit, forces);
}

}  // namespace grapevine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine {
HWY_EXPORT(AddForcesInFloat);
HWY_EXPORT(AddForcesInDouble);

void add_edge_forces(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* forces) {
  HWY_DYNAMIC_DISPATCH(AddForcesInFloat)(edges, edge_gradient, unit, forces);
}

void add_edge_forces(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* forces) {
  HWY_DYNAMIC_DISPATCH(AddForcesInDouble)(edges, edge_gradient, unit, forces);
}

}  // namespace grapevine
#endif
