#include "neighbours/strip_near.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "neighbours/strip_near.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "simd/compress-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Differences in steps of the grid wrap around, and are exact.
struct OnGrid {
  using Number = hn::ScalableTag<float>;
  using Index = hn::ScalableTag<std::int32_t>;
  float spacing;

  HWY_INLINE hn::Vec<Number> difference(hn::Vec<Index> centre, const std::int32_t* at) const {
    return hn::ConvertTo(Number(), hn::Sub(centre, hn::LoadU(Index(), at)));
  }
  HWY_INLINE hn::Vec<Index> all(std::int32_t coordinate) const { return hn::Set(Index(), coordinate); }
  HWY_INLINE hn::Vec<Number> in_angstrom(hn::Vec<Number> steps) const {
    return hn::Mul(steps, hn::Set(Number(), spacing));
  }
};

struct InAngstrom {
  using Number = hn::ScalableTag<double>;
  using Index = hn::ScalableTag<std::int64_t>;

  HWY_INLINE hn::Vec<Number> difference(hn::Vec<Number> centre, const double* at) const {
    return hn::Sub(centre, hn::LoadU(Number(), at));
  }
  HWY_INLINE hn::Vec<Number> all(double coordinate) const { return hn::Set(Number(), coordinate); }
  HWY_INLINE hn::Vec<Number> in_angstrom(hn::Vec<Number> difference) const { return difference; }
};

HWY_INLINE void store_indices(hn::Vec<hn::ScalableTag<std::int32_t>> indices, int* to) {
  hn::StoreU(indices, hn::ScalableTag<std::int32_t>(), to);
}

HWY_INLINE void store_indices(hn::Vec<hn::ScalableTag<std::int64_t>> indices, int* to) {
  const hn::ScalableTag<std::uint64_t> wide;
  const hn::Rebind<std::uint32_t, decltype(wide)> narrow;
  const hn::Rebind<std::int32_t, decltype(wide)> signed_narrow;
  hn::StoreU(hn::BitCast(signed_narrow, hn::TruncateTo(narrow, hn::BitCast(wide, indices))), signed_narrow, to);
}

template <class Units, class Near, class Centre, class Real>
HWY_INLINE int strip_atoms(const Units& units, const Near& near, const Centre& centre, Real most,
                           const NearEdges<Real>& edges, Real& nearest) {
  const typename Units::Number d;
  const typename Units::Index di;
  constexpr int lanes = static_cast<int>(hn::MaxLanes(typename Units::Number()));
  const auto x = units.all(centre.x);
  const auto y = units.all(centre.y);
  const auto z = units.all(centre.z);
  const auto cutoff_squared = hn::Set(d, most);
  const auto self = hn::Set(di, centre.atom);
  auto lowest = cutoff_squared;
  int found = 0;
  for (int n = 0; n < near.count; n += lanes) {
    const auto dx = units.difference(x, near.x + n);
    const auto dy = units.difference(y, near.y + n);
    const auto dz = units.difference(z, near.z + n);
    const auto square = hn::MulAdd(dx, dx, hn::MulAdd(dy, dy, hn::Mul(dz, dz)));
    const auto is_near = hn::Lt(square, cutoff_squared);
    if (hn::AllFalse(d, is_near)) continue;
    const auto atoms = hn::LoadU(di, near.atom + n);
    const auto is_edge = hn::And(is_near, hn::RebindMask(d, hn::Ne(atoms, self)));
    lowest = hn::Min(lowest, hn::IfThenElse(is_edge, square, cutoff_squared));
    const simd::HWY_NAMESPACE::Compressor compressed(d, is_edge);
    hn::StoreU(units.in_angstrom(compressed(dx)), d, edges.x + found);
    hn::StoreU(units.in_angstrom(compressed(dy)), d, edges.y + found);
    hn::StoreU(units.in_angstrom(compressed(dz)), d, edges.z + found);
    store_indices(compressed(atoms), edges.atom + found);
    found += static_cast<int>(hn::CountTrue(d, is_edge));
  }
  nearest = hn::GetLane(hn::MinOfLanes(d, lowest));
  return found;
}

int strip_on_grid(const NearOnGrid& near, const NearCentre<std::int32_t>& centre, float spacing, float cutoff_squared,
                  const NearEdges<float>& edges, float& nearest) {
  const float square = spacing * spacing;  // a power of two, so that nothing is rounded
  const int found = strip_atoms(OnGrid{spacing}, near, centre, cutoff_squared / square, edges, nearest);
  nearest *= square;
  return found;
}

int strip_in_angstrom(const NearInAngstrom& near, const NearCentre<double>& centre, double cutoff_squared,
                      const NearEdges<double>& edges, double& nearest) {
  return strip_atoms(InAngstrom{}, near, centre, cutoff_squared, edges, nearest);
}

}  // namespace grapevine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine {
HWY_EXPORT(strip_on_grid);
HWY_EXPORT(strip_in_angstrom);

int strip_near(const NearOnGrid& near, const NearCentre<std::int32_t>& centre, float spacing, float cutoff_squared,
               const NearEdges<float>& edges, float& nearest) {
  return HWY_DYNAMIC_DISPATCH(strip_on_grid)(near, centre, spacing, cutoff_squared, edges, nearest);
}

int strip_near(const NearInAngstrom& near, const NearCentre<double>& centre, double cutoff_squared,
               const NearEdges<double>& edges, double& nearest) {
  return HWY_DYNAMIC_DISPATCH(strip_in_angstrom)(near, centre, cutoff_squared, edges, nearest);
}

}  // namespace grapevine
#endif
