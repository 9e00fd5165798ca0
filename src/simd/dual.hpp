#pragma once

namespace grapevine::simd {

/// A number and its change in a given direction: value + change * eps with eps^2 = 0. Arithmetic on it carries first
/// derivatives along exactly.
///
/// Arrays of dual numbers are not arrays of pairs: kernels read and write them in packs, whose values stand before
/// their changes. An array is addressed in whole packs of one length, so that indices mean what they do elsewhere.
template <class Real>
struct Dual {
  Real value;
  Real change;

  Dual() = default;
  constexpr Dual(Real v, Real c) : value(v), change(c) {}
  constexpr explicit Dual(Real v) : value(v), change(0) {}
};

template <class Real>
constexpr Dual<Real> operator*(Dual<Real> a, Dual<Real> b) {
  return {a.value * b.value, a.value * b.change + a.change * b.value};
}

/// The type of what does not change: the scalar itself, or that inside a dual number.
template <class Scalar>
struct ConstantOf {
  using Type = Scalar;
};
template <class Real>
struct ConstantOf<Dual<Real>> {
  using Type = Real;
};
template <class Scalar>
using Constant = typename ConstantOf<Scalar>::Type;

}  // namespace grapevine::simd
