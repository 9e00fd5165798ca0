#pragma once

namespace grapevine::simd {

/// A number and its changes in K given directions: value + sum_k change_k eps_k, where products of two eps are zero.
/// Arithmetic on it carries first derivatives along exactly.
///
/// Arrays of such numbers are not arrays of tuples: kernels read and write them in packs, whose values stand before
/// their changes, direction after direction. An array is addressed in whole packs of one length, so that indices mean
/// what they do elsewhere.
template <class Real, int K>
struct Jet {
  Real value;
  Real change[K];

  Jet() = default;
  constexpr explicit Jet(Real v) : value(v), change{} {}
  constexpr Jet(Real v, Real c) requires(K == 1) : value(v), change{c} {}

  constexpr Jet& operator+=(const Jet& other) {
    value += other.value;
    for (int k = 0; k < K; ++k) change[k] += other.change[k];
    return *this;
  }
};

/// One direction.
template <class Real>
using Dual = Jet<Real, 1>;

template <class Real, int K>
constexpr Jet<Real, K> operator*(Jet<Real, K> a, const Jet<Real, K>& b) {
  for (int k = 0; k < K; ++k) a.change[k] = a.value * b.change[k] + a.change[k] * b.value;
  a.value *= b.value;
  return a;
}

/// The type of what does not change: the scalar itself, or that inside a jet.
template <class Scalar>
struct ConstantOf {
  using Type = Scalar;
};
template <class Real, int K>
struct ConstantOf<Jet<Real, K>> {
  using Type = Real;
};
template <class Scalar>
using Constant = typename ConstantOf<Scalar>::Type;

}  // namespace grapevine::simd
