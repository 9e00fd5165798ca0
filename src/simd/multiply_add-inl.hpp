// Products of small dense matrices.
#if defined(GRAPEVINE_SIMD_MULTIPLY_ADD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_SIMD_MULTIPLY_ADD_INL
#undef GRAPEVINE_SIMD_MULTIPLY_ADD_INL
#else
#define GRAPEVINE_SIMD_MULTIPLY_ADD_INL
#endif

#include <type_traits>

#include "simd/pack-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::simd::HWY_NAMESPACE {

/// A matrix of any layout: element (row, column) stands at data[row * row_step + column * column_step].
template <class Real>
struct MatrixView {
  const Real* data;
  std::ptrdiff_t row_step;
  std::ptrdiff_t column_step;
};

/// `height` rows and `width` cache lines of c at a time, all of whose sums are in registers.
template <int height, int width, class Real>
HWY_INLINE void multiply_add_tile(int inner, const MatrixView<Real>& a, const Real* HWY_RESTRICT b,
                                  std::ptrdiff_t b_stride, Real* HWY_RESTRICT c, std::ptrdiff_t c_stride) {
  using P = Pack<Real, static_cast<int>(64 / sizeof(Real))>;
  P sum[height][width];
  for (int r = 0; r < height; ++r)
    for (int w = 0; w < width; ++w) sum[r][w] = load<P>(c + r * c_stride + w * P::lanes);
  const Real* element = a.data;
  for (int k = 0; k < inner; ++k, element += a.column_step, b += b_stride) {
    P x[width];
    for (int w = 0; w < width; ++w) x[w] = load<P>(b + w * P::lanes);
    for (int r = 0; r < height; ++r) {
      const P factor = broadcast<P>(element[r * a.row_step]);
      for (int w = 0; w < width; ++w) sum[r][w] = mul_add(factor, x[w], sum[r][w]);
    }
  }
  for (int r = 0; r < height; ++r)
    for (int w = 0; w < width; ++w) store(sum[r][w], c + r * c_stride + w * P::lanes);
}

template <int height, class Real>
HWY_INLINE void multiply_add_rows(int inner, int columns, const MatrixView<Real>& a, const Real* HWY_RESTRICT b,
                                  std::ptrdiff_t b_stride, Real* HWY_RESTRICT c, std::ptrdiff_t c_stride) {
  using P = Pack<Real, static_cast<int>(64 / sizeof(Real))>;
  int column = 0;
  if constexpr (P::parts == 1)
    for (; column + P::lanes < columns; column += 2 * P::lanes)
      multiply_add_tile<height, 2>(inner, a, b + column, b_stride, c + column, c_stride);
  for (; column < columns; column += P::lanes)
    multiply_add_tile<height, 1>(inner, a, b + column, b_stride, c + column, c_stride);
}

/// c[rows][columns] += a[rows][inner] b[inner][columns]; rows of b and c are read and written up to the next multiple
/// of a cache line. Every element is summed in the order of `inner`, whatever the shape.
template <class Real>
HWY_NOINLINE void multiply_add(int rows, int inner, int columns, MatrixView<Real> a, const Real* b,
                               std::ptrdiff_t b_stride, Real* c, std::ptrdiff_t c_stride) {
  const auto take = [&](auto height) HWY_ATTR {
    for (; rows >= height; rows -= height, a.data += height * a.row_step, c += height * c_stride)
      multiply_add_rows<height>(inner, columns, a, b, b_stride, c, c_stride);
  };
  take(std::integral_constant<int, 8>());
  take(std::integral_constant<int, 4>());
  take(std::integral_constant<int, 1>());
}

}  // namespace grapevine::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
