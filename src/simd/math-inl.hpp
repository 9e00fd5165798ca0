// Elementary functions of packs, to the rounding of their scalar type.
#if defined(GRAPEVINE_SIMD_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_SIMD_MATH_INL
#undef GRAPEVINE_SIMD_MATH_INL
#else
#define GRAPEVINE_SIMD_MATH_INL
#endif

#include "simd/pack-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::simd::HWY_NAMESPACE {

/// Horner's scheme, highest coefficient first.
template <class P, class Real, std::size_t count>
HWY_INLINE P polynomial(const P& x, const Real (&coefficient)[count]) {
  P sum = broadcast<P>(coefficient[0]);
  for (std::size_t i = 1; i < count; ++i) sum = mul_add(sum, x, broadcast<P>(coefficient[i]));
  return sum;
}

/// e^x for any x; results beyond the range of normal numbers are cut off at its ends, or at e^lowest. With x = n ln 2 +
/// g the power 2^n is made by adding n to the exponent bits: adding 1.5 * 2^23 (2^52) leaves n in the last bits of the
/// sum.
template <int N>
HWY_INLINE Pack<float, N> exponential(Pack<float, N> x, float lowest = -87.0f) {
  using P = Pack<float, N>;
  constexpr float magic = 12582912.0f + 127.0f;
  // Chebyshev fit of 2^f on [-1/2, 1/2]; relative error 3e-9
  constexpr float coefficient[] = {
      1.5469732e-4f, 1.34004322e-3f, 9.61802560e-3f, 5.55032721e-2f, 2.40226512e-1f, 6.93147207e-1f, 1.0f};
  x = clamp(x, lowest, 88.0f);
  const P log2e = broadcast<P>(1.44269504f);
  const P shifted = mul_add(x, log2e, broadcast<P>(magic));
  const P n = shifted - broadcast<P>(magic);
  const P f = mul_add(x, log2e, broadcast<P>(0.0f) - n);
  P result = polynomial(f, coefficient);
  const typename P::Tag d;
  const hn::RebindToUnsigned<typename P::Tag> du;
  for (int i = 0; i < P::parts; ++i)
    result.part[i] = hn::Mul(result.part[i], hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(du, shifted.part[i]))));
  return result;
}

template <int N>
HWY_INLINE Pack<double, N> exponential(Pack<double, N> x, double lowest = -708.0) {
  using P = Pack<double, N>;
  constexpr double magic = 6755399441055744.0 + 1023.0;
  constexpr double coefficient[] = {
      1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
      1.0 / 720,        1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
  x = clamp(x, lowest, 709.0);
  const P shifted = mul_add(x, broadcast<P>(1.4426950408889634), broadcast<P>(magic));
  const P n = shifted - broadcast<P>(magic);
  P g = neg_mul_add(n, broadcast<P>(6.93147180369123816490e-01), x);
  g = neg_mul_add(n, broadcast<P>(1.90821492927058770002e-10), g);
  P result = polynomial(g, coefficient);
  const typename P::Tag d;
  const hn::RebindToUnsigned<typename P::Tag> du;
  for (int i = 0; i < P::parts; ++i)
    result.part[i] = hn::Mul(result.part[i], hn::BitCast(d, hn::ShiftLeft<52>(hn::BitCast(du, shifted.part[i]))));
  return result;
}

/// sin x and cos x for 0 <= x <= pi / 2, by their Taylor series.
template <int N>
HWY_INLINE void sine_cosine(const Pack<float, N>& x, Pack<float, N>& sine, Pack<float, N>& cosine) {
  constexpr float odd[] = {-1.0f / 39916800, 1.0f / 362880, -1.0f / 5040, 1.0f / 120, -1.0f / 6, 1.0f};
  constexpr float even[] = {1.0f / 479001600, -1.0f / 3628800, 1.0f / 40320, -1.0f / 720, 1.0f / 24, -0.5f, 1.0f};
  const Pack<float, N> square = x * x;
  sine = x * polynomial(square, odd);
  cosine = polynomial(square, even);
}

template <int N>
HWY_INLINE void sine_cosine(const Pack<double, N>& x, Pack<double, N>& sine, Pack<double, N>& cosine) {
  constexpr double odd[] = {1.0 / 51090942171709440000.0,
                            -1.0 / 121645100408832000.0,
                            1.0 / 355687428096000.0,
                            -1.0 / 1307674368000.0,
                            1.0 / 6227020800.0,
                            -1.0 / 39916800,
                            1.0 / 362880,
                            -1.0 / 5040,
                            1.0 / 120,
                            -1.0 / 6,
                            1.0};
  constexpr double even[] = {-1.0 / 1124000727777607680000.0,
                             1.0 / 2432902008176640000.0,
                             -1.0 / 6402373705728000.0,
                             1.0 / 20922789888000.0,
                             -1.0 / 87178291200.0,
                             1.0 / 479001600,
                             -1.0 / 3628800,
                             1.0 / 40320,
                             -1.0 / 720,
                             1.0 / 24,
                             -0.5,
                             1.0};
  const Pack<double, N> square = x * x;
  sine = x * polynomial(square, odd);
  cosine = polynomial(square, even);
}

}  // namespace grapevine::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
