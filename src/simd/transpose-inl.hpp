// Rows of numbers to columns and back, in tiles of one 128-bit register.
#if defined(GRAPEVINE_SIMD_TRANSPOSE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_SIMD_TRANSPOSE_INL
#undef GRAPEVINE_SIMD_TRANSPOSE_INL
#else
#define GRAPEVINE_SIMD_TRANSPOSE_INL
#endif

#include "simd/pack-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::simd::HWY_NAMESPACE {

HWY_INLINE void transpose_tile(const float* from, std::ptrdiff_t from_stride, float* to, std::ptrdiff_t to_stride) {
  const hn::FixedTag<float, 4> d;
  const hn::FixedTag<double, 2> d2;
  const auto a = hn::LoadU(d, from);
  const auto b = hn::LoadU(d, from + from_stride);
  const auto c = hn::LoadU(d, from + 2 * from_stride);
  const auto e = hn::LoadU(d, from + 3 * from_stride);
  const auto ab_low = hn::BitCast(d2, hn::InterleaveLower(d, a, b));
  const auto ab_high = hn::BitCast(d2, hn::InterleaveUpper(d, a, b));
  const auto ce_low = hn::BitCast(d2, hn::InterleaveLower(d, c, e));
  const auto ce_high = hn::BitCast(d2, hn::InterleaveUpper(d, c, e));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d2, ab_low, ce_low)), d, to);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d2, ab_low, ce_low)), d, to + to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d2, ab_high, ce_high)), d, to + 2 * to_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d2, ab_high, ce_high)), d, to + 3 * to_stride);
}

HWY_INLINE void transpose_tile(const double* from, std::ptrdiff_t from_stride, double* to, std::ptrdiff_t to_stride) {
  const hn::FixedTag<double, 2> d;
  const auto a = hn::LoadU(d, from);
  const auto b = hn::LoadU(d, from + from_stride);
  hn::StoreU(hn::InterleaveLower(d, a, b), d, to);
  hn::StoreU(hn::InterleaveUpper(d, a, b), d, to + to_stride);
}

/// to[column][row] = from[row][column]; `rows` and `columns` are multiples of four.
template <class Real>
HWY_INLINE void transpose(int rows, int columns, const Real* from, int from_stride, Real* to, int to_stride) {
  constexpr int tile = static_cast<int>(16 / sizeof(Real));
  for (int row = 0; row < rows; row += tile)
    for (int column = 0; column < columns; column += tile)
      transpose_tile(from + static_cast<std::ptrdiff_t>(row) * from_stride + column, from_stride,
                     to + static_cast<std::ptrdiff_t>(column) * to_stride + row, to_stride);
}

}  // namespace grapevine::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
