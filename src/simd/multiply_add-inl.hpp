// Products of small dense matrices.
#if defined(GRAPEVINE_SIMD_MULTIPLY_ADD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_SIMD_MULTIPLY_ADD_INL
#undef GRAPEVINE_SIMD_MULTIPLY_ADD_INL
#else
#define GRAPEVINE_SIMD_MULTIPLY_ADD_INL
#endif

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

template <int height, class Real>
HWY_INLINE void multiply_add_rows(int inner, int columns, const MatrixView<Real>& a, const Real* HWY_RESTRICT b,
                                  std::ptrdiff_t b_stride, Real* HWY_RESTRICT c, std::ptrdiff_t c_stride) {
  using P = Pack<Real, static_cast<int>(64 / sizeof(Real))>;
  for (int column = 0; column < columns; column += P::lanes) {
    P sum[height];
    for (int r = 0; r < height; ++r) sum[r] = load<P>(c + r * c_stride + column);
    const Real* element = a.data;
    const Real* row = b + column;
    for (int k = 0; k < inner; ++k, element += a.column_step, row += b_stride) {
      const P x = load<P>(row);
      for (int r = 0; r < height; ++r) sum[r] = mul_add(broadcast<P>(element[r * a.row_step]), x, sum[r]);
    }
    for (int r = 0; r < height; ++r) store(sum[r], c + r * c_stride + column);
  }
}

/// c[rows][columns] += a[rows][inner] b[inner][columns]; rows of b and c are read and written up to the next multiple
/// of a cache line.
template <class Real>
HWY_NOINLINE void multiply_add(int rows, int inner, int columns, MatrixView<Real> a, const Real* b,
                               std::ptrdiff_t b_stride, Real* c, std::ptrdiff_t c_stride) {
  constexpr int tall = 8;
  int row = 0;
  for (; row + tall <= rows; row += tall, a.data += tall * a.row_step, c += tall * c_stride)
    multiply_add_rows<tall>(inner, columns, a, b, b_stride, c, c_stride);
  for (; row < rows; ++row, a.data += a.row_step, c += c_stride)
    multiply_add_rows<1>(inner, columns, a, b, b_stride, c, c_stride);
}

}  // namespace grapevine::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
