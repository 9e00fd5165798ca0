#include "neighbours/strip.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "neighbours/strip.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "simd/compress-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Float = hn::ScalableTag<float>;
using Int = hn::ScalableTag<std::int32_t>;

// Four 128-bit loads, one for each 4 x 4 part of a transposition: atoms n, n + 4, n + 8 ... end up side by side.
template <class V>
struct Columns {
  V x, y, z, row;
};

HWY_INLINE hn::Vec<Int> load_points(const GridList& near, const int* list) {
  const hn::FixedTag<std::int32_t, 4> d4;
  const auto at = [&](int n) HWY_ATTR { return hn::LoadU(d4, &near.points[list[n] & near.mask].x); };
#if HWY_TARGET == HWY_AVX3
  const hn::FixedTag<std::int32_t, 8> d8;
  const hn::FixedTag<std::int32_t, 16> d16;
  return hn::Combine(d16, hn::Combine(d8, at(12), at(8)), hn::Combine(d8, at(4), at(0)));
#elif HWY_TARGET == HWY_AVX2
  const hn::FixedTag<std::int32_t, 8> d8;
  return hn::Combine(d8, at(4), at(0));
#else
  return at(0);
#endif
}

HWY_INLINE Columns<hn::Vec<Int>> load_columns(const GridList& near, const int* list) {
  const Int d;
  const hn::Repartition<std::int64_t, Int> d64;
  const auto a = load_points(near, list);
  const auto b = load_points(near, list + 1);
  const auto c = load_points(near, list + 2);
  const auto e = load_points(near, list + 3);
  const auto ab_low = hn::BitCast(d64, hn::InterleaveLower(d, a, b));   // x x y y
  const auto ab_high = hn::BitCast(d64, hn::InterleaveUpper(d, a, b));  // z z row row
  const auto ce_low = hn::BitCast(d64, hn::InterleaveLower(d, c, e));
  const auto ce_high = hn::BitCast(d64, hn::InterleaveUpper(d, c, e));
  return {hn::BitCast(d, hn::InterleaveLower(d64, ab_low, ce_low)),
          hn::BitCast(d, hn::InterleaveUpper(d64, ab_low, ce_low)),
          hn::BitCast(d, hn::InterleaveLower(d64, ab_high, ce_high)),
          hn::BitCast(d, hn::InterleaveUpper(d64, ab_high, ce_high))};
}

int strip_list(const GridList& near, float* x, float* y, float* z, int* row, float& nearest) {
  const Float d;
  const Int di;
  constexpr int lanes = static_cast<int>(hn::MaxLanes(Float()));
  const EdgeStripper<float>::Point& centre = near.points[near.centre];
  const auto cx = hn::Set(di, centre.x);
  const auto cy = hn::Set(di, centre.y);
  const auto cz = hn::Set(di, centre.z);
  const auto spacing = hn::Set(d, near.spacing);
  const auto cutoff_squared = hn::Set(d, near.cutoff_squared);
  auto lowest = cutoff_squared;
  int found = 0;
  int rest[lanes];
  for (int n = 0; n < near.count; n += lanes) {
    const int* list = near.list + n;
    const int left = near.count - n;
    if (left < lanes) {
      for (int i = 0; i < lanes; ++i) rest[i] = list[i < left ? i : 0];
      list = rest;
    }
    const auto points = load_columns(near, list);
    const auto dx = hn::Mul(hn::ConvertTo(d, hn::Sub(cx, points.x)), spacing);
    const auto dy = hn::Mul(hn::ConvertTo(d, hn::Sub(cy, points.y)), spacing);
    const auto dz = hn::Mul(hn::ConvertTo(d, hn::Sub(cz, points.z)), spacing);
    const auto square = hn::MulAdd(dx, dx, hn::MulAdd(dy, dy, hn::Mul(dz, dz)));
    auto is_edge = hn::And(hn::Lt(square, cutoff_squared), hn::RebindMask(d, hn::Gt(points.row, hn::Set(di, -1))));
    if (left < lanes) is_edge = hn::And(is_edge, hn::FirstN(d, static_cast<std::size_t>(left)));
    lowest = hn::Min(lowest, hn::IfThenElse(is_edge, square, cutoff_squared));
    const simd::HWY_NAMESPACE::Compressor compressed(d, is_edge);
    hn::StoreU(compressed(dx), d, x + found);
    hn::StoreU(compressed(dy), d, y + found);
    hn::StoreU(compressed(dz), d, z + found);
    hn::StoreU(compressed(points.row), di, row + found);
    found += static_cast<int>(hn::CountTrue(d, is_edge));
  }
  nearest = hn::GetLane(hn::MinOfLanes(d, lowest));
  return found;
}

}  // namespace grapevine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine {
HWY_EXPORT(strip_list);

int strip(const GridList& near, float* x, float* y, float* z, int* row, float& nearest) {
  return HWY_DYNAMIC_DISPATCH(strip_list)(near, x, y, z, row, nearest);
}

}  // namespace grapevine
#endif
