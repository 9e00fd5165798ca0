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

using Four = hn::CappedTag<double, 4>;

template <class V>
HWY_INLINE hn::Vec<Four> in_double(const V& values) {
  if constexpr (sizeof(hn::TFromV<V>) == sizeof(double))
    return values;
  else
    return hn::PromoteTo(Four(), values);
}

template <class Real>
HWY_INLINE void add_virial(const EdgeBlock<Real>& edges, const Real* HWY_RESTRICT edge_gradient, double unit,
                           double* HWY_RESTRICT virial) {
  const Four d;
  const hn::Rebind<Real, Four> narrow;
  const Real* HWY_RESTRICT components[3] = {edges.x.data(), edges.y.data(), edges.z.data()};
  hn::Vec<Four> sum[9];
  for (auto& s : sum) s = hn::Zero(d);
  const int count = edges.edges();
  for (int e = 0; e < count; e += static_cast<int>(hn::MaxLanes(d))) {
    hn::Vec<decltype(narrow)> g[4];
    hn::LoadInterleaved4(narrow, edge_gradient + 4 * static_cast<std::ptrdiff_t>(e), g[0], g[1], g[2], g[3]);
    const hn::Vec<Four> gradient[3] = {in_double(g[0]), in_double(g[1]), in_double(g[2])};
    for (int x = 0; x < 3; ++x) {
      const auto component = in_double(hn::LoadU(narrow, components[x] + e));
      for (int y = 0; y < 3; ++y) sum[3 * x + y] = hn::NegMulAdd(component, gradient[y], sum[3 * x + y]);
    }
  }
  for (int n = 0; n < 9; ++n) virial[n] += unit * hn::GetLane(hn::SumOfLanes(d, sum[n]));
}

void add_virial_in_float(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* virial) {
  add_virial(edges, edge_gradient, unit, virial);
}

void add_virial_in_double(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* virial) {
  add_virial(edges, edge_gradient, unit, virial);
}

void add_forces_in_float(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* forces) {
  add_forces(edges, edge_gradient, unit, forces);
}

void add_forces_in_double(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* forces) {
  add_forces(edges, edge_gradient, unit, forces);
}

}  // namespace grapevine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine {
HWY_EXPORT(add_forces_in_float);
HWY_EXPORT(add_forces_in_double);
HWY_EXPORT(add_virial_in_float);
HWY_EXPORT(add_virial_in_double);

void add_edge_forces(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* forces) {
  HWY_DYNAMIC_DISPATCH(add_forces_in_float)(edges, edge_gradient, unit, forces);
}

void add_edge_forces(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* forces) {
  HWY_DYNAMIC_DISPATCH(add_forces_in_double)(edges, edge_gradient, unit, forces);
}

void add_edge_virial(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* virial) {
  HWY_DYNAMIC_DISPATCH(add_virial_in_float)(edges, edge_gradient, unit, virial);
}

void add_edge_virial(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* virial) {
  HWY_DYNAMIC_DISPATCH(add_virial_in_double)(edges, edge_gradient, unit, virial);
}

}  // namespace grapevine
#endif
