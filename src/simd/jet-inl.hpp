// Packs of numbers with their changes: the arithmetic of packs, with the changes of every value carried along.
#if defined(GRAPEVINE_SIMD_JET_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_SIMD_JET_INL
#undef GRAPEVINE_SIMD_JET_INL
#else
#define GRAPEVINE_SIMD_JET_INL
#endif

#include <cstddef>

#include "simd/jet.hpp"
#include "simd/math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::simd::HWY_NAMESPACE {

template <class Real, int K, int N>
struct Pack<Jet<Real, K>, N> {
  using P = Pack<Real, N>;
  static constexpr int lanes = N;
  static constexpr int vector_lanes = N;  // a pack is never divided
  static constexpr int parts = (1 + K) * P::parts;
  static constexpr int directions = K;

  P value;
  P change[K];
};

template <class Real, int K, int N>
using JetPack = Pack<Jet<Real, K>, N>;

template <class P>
inline constexpr bool is_jet = false;
template <class Real, int K, int N>
inline constexpr bool is_jet<Pack<Jet<Real, K>, N>> = true;

template <class P>
struct ConstantPackOf {
  using Type = P;
};
template <class Real, int K, int N>
struct ConstantPackOf<Pack<Jet<Real, K>, N>> {
  using Type = Pack<Real, N>;
};
/// Of numbers that do not change, side by side as in P.
template <class P>
using ConstantPack = typename ConstantPackOf<P>::Type;

/// value, and change(k) for every direction.
template <class J, class Change>
HWY_INLINE J make_jet(const typename J::P& value, const Change& change) {
  J jet;
  jet.value = value;
  for (int k = 0; k < J::directions; ++k) jet.change[k] = change(k);
  return jet;
}

/// A number that does not change among those that may.
template <class P>
HWY_INLINE P constant(const ConstantPack<P>& value) {
  if constexpr (is_jet<P>)
    return make_jet<P>(value, [](int) HWY_ATTR { return zero<ConstantPack<P>>(); });
  else
    return value;
}

template <class P>
requires is_jet<P> HWY_INLINE P zero() {
  return make_jet<P>(zero<typename P::P>(), [](int) HWY_ATTR { return zero<typename P::P>(); });
}

template <class P, class Real, int K>
requires is_jet<P> HWY_INLINE P broadcast(const Jet<Real, K>& number) {
  return make_jet<P>(broadcast<typename P::P>(number.value),
                     [&](int k) HWY_ATTR { return broadcast<typename P::P>(number.change[k]); });
}

/// Values at `from`, the changes of each direction `plane` numbers behind those before.
template <class P, class Real>
requires is_jet<P> HWY_INLINE P load_planes(const Real* from, std::ptrdiff_t plane) {
  return make_jet<P>(load<typename P::P>(from),
                     [&](int k) HWY_ATTR { return load<typename P::P>(from + (k + 1) * plane); });
}

template <class Real, int K, int N>
HWY_INLINE void store_planes(const JetPack<Real, K, N>& number, Real* to, std::ptrdiff_t plane) {
  store(number.value, to);
  for (int k = 0; k < K; ++k) store(number.change[k], to + (k + 1) * plane);
}

/// The same of numbers that do not change.
template <class P, class Real>
requires(!is_jet<P>) HWY_INLINE P load_planes(const Real* from, std::ptrdiff_t /*plane*/) { return load<P>(from); }

template <class Real, int N>
HWY_INLINE void store_planes(const Pack<Real, N>& number, Real* to, std::ptrdiff_t /*plane*/) {
  store(number, to);
}

template <class P, class Real, int K>
requires is_jet<P> HWY_INLINE P load(const Jet<Real, K>* from) {
  return load_planes<P>(reinterpret_cast<const Real*>(from), P::lanes);
}

template <class Real, int K, int N>
HWY_INLINE void store(const JetPack<Real, K, N>& number, Jet<Real, K>* to) {
  store_planes(number, reinterpret_cast<Real*>(to), N);
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> operator+(const JetPack<Real, K, N>& a, const JetPack<Real, K, N>& b) {
  return make_jet<JetPack<Real, K, N>>(a.value + b.value, [&](int k) HWY_ATTR { return a.change[k] + b.change[k]; });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> operator+(const Pack<Real, N>& a, const JetPack<Real, K, N>& b) {
  return make_jet<JetPack<Real, K, N>>(a + b.value, [&](int k) HWY_ATTR { return b.change[k]; });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> operator-(const JetPack<Real, K, N>& a, const JetPack<Real, K, N>& b) {
  return make_jet<JetPack<Real, K, N>>(a.value - b.value, [&](int k) HWY_ATTR { return a.change[k] - b.change[k]; });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> operator-(const Pack<Real, N>& a, const JetPack<Real, K, N>& b) {
  return make_jet<JetPack<Real, K, N>>(a - b.value,
                                       [&](int k) HWY_ATTR { return zero<Pack<Real, N>>() - b.change[k]; });
}

/// The change of a b alone.
template <class Real, int K, int N>
HWY_INLINE Pack<Real, N> change_of_product(const JetPack<Real, K, N>& a, const JetPack<Real, K, N>& b, int k = 0) {
  return mul_add(a.value, b.change[k], a.change[k] * b.value);
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> operator*(const JetPack<Real, K, N>& a, const JetPack<Real, K, N>& b) {
  return make_jet<JetPack<Real, K, N>>(a.value * b.value, [&](int k) HWY_ATTR { return change_of_product(a, b, k); });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> operator*(const Pack<Real, N>& a, const JetPack<Real, K, N>& b) {
  return make_jet<JetPack<Real, K, N>>(a * b.value, [&](int k) HWY_ATTR { return a * b.change[k]; });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> operator/(const Pack<Real, N>& a, const JetPack<Real, K, N>& b) {
  const Pack<Real, N> quotient = a / b.value;
  return make_jet<JetPack<Real, K, N>>(
      quotient, [&](int k) HWY_ATTR { return zero<Pack<Real, N>>() - quotient * (b.change[k] / b.value); });
}

/// a b + c
template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> mul_add(const JetPack<Real, K, N>& a, const JetPack<Real, K, N>& b,
                                       const JetPack<Real, K, N>& c) {
  return make_jet<JetPack<Real, K, N>>(mul_add(a.value, b.value, c.value), [&](int k) HWY_ATTR {
    return mul_add(a.value, b.change[k], mul_add(a.change[k], b.value, c.change[k]));
  });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> mul_add(const Pack<Real, N>& a, const JetPack<Real, K, N>& b,
                                       const JetPack<Real, K, N>& c) {
  return make_jet<JetPack<Real, K, N>>(mul_add(a, b.value, c.value),
                                       [&](int k) HWY_ATTR { return mul_add(a, b.change[k], c.change[k]); });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> mul_add(const JetPack<Real, K, N>& a, const JetPack<Real, K, N>& b,
                                       const Pack<Real, N>& c) {
  return make_jet<JetPack<Real, K, N>>(mul_add(a.value, b.value, c),
                                       [&](int k) HWY_ATTR { return change_of_product(a, b, k); });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> mul_add(const JetPack<Real, K, N>& a, const Pack<Real, N>& b, const Pack<Real, N>& c) {
  return make_jet<JetPack<Real, K, N>>(mul_add(a.value, b, c), [&](int k) HWY_ATTR { return a.change[k] * b; });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> mul_add(const Pack<Real, N>& a, const JetPack<Real, K, N>& b, const Pack<Real, N>& c) {
  return make_jet<JetPack<Real, K, N>>(mul_add(a, b.value, c), [&](int k) HWY_ATTR { return a * b.change[k]; });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> square_root(const JetPack<Real, K, N>& a) {
  const Pack<Real, N> root = square_root(a.value);
  const Pack<Real, N> twice = root + root;
  return make_jet<JetPack<Real, K, N>>(root, [&](int k) HWY_ATTR { return a.change[k] / twice; });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> reciprocal(const JetPack<Real, K, N>& a) {
  const Pack<Real, N> inverse = reciprocal(a.value);
  return make_jet<JetPack<Real, K, N>>(
      inverse, [&](int k) HWY_ATTR { return zero<Pack<Real, N>>() - a.change[k] * inverse * inverse; });
}

template <class Real, int K, int N>
HWY_INLINE JetPack<Real, K, N> exponential(const JetPack<Real, K, N>& a) {
  const Pack<Real, N> power = exponential(a.value);
  return make_jet<JetPack<Real, K, N>>(power, [&](int k) HWY_ATTR { return a.change[k] * power; });
}

}  // namespace grapevine::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
