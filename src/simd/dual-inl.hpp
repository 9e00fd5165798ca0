// Packs of dual numbers: the arithmetic of packs, with the change of every value carried along.
#if defined(GRAPEVINE_SIMD_DUAL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_SIMD_DUAL_INL
#undef GRAPEVINE_SIMD_DUAL_INL
#else
#define GRAPEVINE_SIMD_DUAL_INL
#endif

#include "simd/dual.hpp"
#include "simd/math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::simd::HWY_NAMESPACE {

template <class Real, int N>
struct Pack<Dual<Real>, N> {
  using P = Pack<Real, N>;
  static constexpr int lanes = N;
  static constexpr int vector_lanes = N;  // a pack is never divided
  static constexpr int parts = 2 * P::parts;

  P value;
  P change;
};

template <class Real, int N>
using DualPack = Pack<Dual<Real>, N>;

template <class P>
inline constexpr bool is_dual = false;
template <class Real, int N>
inline constexpr bool is_dual<Pack<Dual<Real>, N>> = true;

template <class P>
requires is_dual<P> HWY_INLINE P zero() { return {zero<typename P::P>(), zero<typename P::P>()}; }

template <class P, class Real>
requires is_dual<P> HWY_INLINE P broadcast(Dual<Real> number) {
  return {broadcast<typename P::P>(number.value), broadcast<typename P::P>(number.change)};
}

template <class P, class Real>
requires is_dual<P> HWY_INLINE P load(const Dual<Real>* from) {
  const Real* numbers = reinterpret_cast<const Real*>(from);
  return {load<typename P::P>(numbers), load<typename P::P>(numbers + P::lanes)};
}

template <class Real, int N>
HWY_INLINE void store(const DualPack<Real, N>& number, Dual<Real>* to) {
  Real* numbers = reinterpret_cast<Real*>(to);
  store(number.value, numbers);
  store(number.change, numbers + N);
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> operator+(const DualPack<Real, N>& a, const DualPack<Real, N>& b) {
  return {a.value + b.value, a.change + b.change};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> operator+(const Pack<Real, N>& a, const DualPack<Real, N>& b) {
  return {a + b.value, b.change};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> operator-(const DualPack<Real, N>& a, const DualPack<Real, N>& b) {
  return {a.value - b.value, a.change - b.change};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> operator-(const Pack<Real, N>& a, const DualPack<Real, N>& b) {
  return {a - b.value, zero<Pack<Real, N>>() - b.change};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> operator*(const DualPack<Real, N>& a, const DualPack<Real, N>& b) {
  return {a.value * b.value, mul_add(a.value, b.change, a.change * b.value)};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> operator*(const Pack<Real, N>& a, const DualPack<Real, N>& b) {
  return {a * b.value, a * b.change};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> operator/(const Pack<Real, N>& a, const DualPack<Real, N>& b) {
  const Pack<Real, N> quotient = a / b.value;
  return {quotient, zero<Pack<Real, N>>() - quotient * (b.change / b.value)};
}

/// a b + c
template <class Real, int N>
HWY_INLINE DualPack<Real, N> mul_add(const DualPack<Real, N>& a, const DualPack<Real, N>& b,
                                     const DualPack<Real, N>& c) {
  return {mul_add(a.value, b.value, c.value), mul_add(a.value, b.change, mul_add(a.change, b.value, c.change))};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> mul_add(const Pack<Real, N>& a, const DualPack<Real, N>& b, const DualPack<Real, N>& c) {
  return {mul_add(a, b.value, c.value), mul_add(a, b.change, c.change)};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> mul_add(const DualPack<Real, N>& a, const DualPack<Real, N>& b, const Pack<Real, N>& c) {
  return {mul_add(a.value, b.value, c), mul_add(a.value, b.change, a.change * b.value)};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> mul_add(const DualPack<Real, N>& a, const Pack<Real, N>& b, const Pack<Real, N>& c) {
  return {mul_add(a.value, b, c), a.change * b};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> mul_add(const Pack<Real, N>& a, const DualPack<Real, N>& b, const Pack<Real, N>& c) {
  return {mul_add(a, b.value, c), a * b.change};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> square_root(const DualPack<Real, N>& a) {
  const Pack<Real, N> root = square_root(a.value);
  return {root, a.change / (root + root)};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> reciprocal(const DualPack<Real, N>& a) {
  const Pack<Real, N> inverse = reciprocal(a.value);
  return {inverse, zero<Pack<Real, N>>() - a.change * inverse * inverse};
}

template <class Real, int N>
HWY_INLINE DualPack<Real, N> exponential(const DualPack<Real, N>& a) {
  const Pack<Real, N> power = exponential(a.value);
  return {power, a.change * power};
}

/// The change of a b alone.
template <class Real, int N>
HWY_INLINE Pack<Real, N> change_of_product(const DualPack<Real, N>& a, const DualPack<Real, N>& b) {
  return mul_add(a.value, b.change, a.change * b.value);
}

}  // namespace grapevine::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
