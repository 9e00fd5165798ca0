// Activations and gates of a block of atoms.
#if defined(GRAPEVINE_EQUIVARIANT_GATE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_GATE_INL
#undef GRAPEVINE_EQUIVARIANT_GATE_INL
#else
#define GRAPEVINE_EQUIVARIANT_GATE_INL
#endif

#include <cstddef>

#include "models/equivariant/features-inl.hpp"
#include "models/equivariant/gate.hpp"
#include "simd/math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Value, slope and, if it is wanted, curvature of an activation without its scale, one number after another.
template <bool curved, class P, class Real>
HWY_INLINE void activate_lanes(const Activation& activation, const P& x, P& value, P& slope, P& curvature) {
  Real values[P::lanes], slopes[P::lanes], curvatures[P::lanes];
  store(x, values);
  Activation unscaled = activation;
  unscaled.scale = 1;
  for (int lane = 0; lane < P::lanes; ++lane) {
    const double at = static_cast<double>(values[lane]);
    values[lane] = static_cast<Real>(unscaled.value(at));
    slopes[lane] = static_cast<Real>(unscaled.slope(at));
    if constexpr (curved) curvatures[lane] = static_cast<Real>(unscaled.curvature(at));
  }
  value = load<P>(values);
  slope = load<P>(slopes);
  if constexpr (curved) curvature = load<P>(curvatures);
}

/// Value, slope and, if it is wanted, curvature of an activation, for numbers side by side.
template <bool curved, class P, class Real>
HWY_INLINE void activate_curved(const Activation& activation, const P& x, P& value, P& slope, P& curvature) {
  const P one = broadcast<P>(Real(1));
  const P zeros = zero<P>();
  const auto sigmoid = [&](const P& at) HWY_ATTR { return one / (one + exponential(zeros - at)); };
  switch (activation.kind) {
    case ActivationKind::identity:
      value = x;
      slope = one;
      if constexpr (curved) curvature = zeros;
      break;
    case ActivationKind::silu: {
      const P s = sigmoid(x);
      const P rest = one - s;
      value = x * s;
      slope = s * (one + x * rest);
      if constexpr (curved) curvature = s * rest * (one + one + x * (rest - s));
      break;
    }
    case ActivationKind::tanh: {
      const P s = sigmoid(x + x);
      value = s + s - one;
      slope = one - value * value;
      if constexpr (curved) curvature = zeros - (value + value) * slope;
      break;
    }
    case ActivationKind::sigmoid: {
      value = sigmoid(x);
      slope = value * (one - value);
      if constexpr (curved) curvature = slope * (one - value - value);
      break;
    }
    default: activate_lanes<curved, P, Real>(activation, x, value, slope, curvature);
  }
  const P scale = broadcast<P>(static_cast<Real>(activation.scale));
  value = scale * value;
  slope = scale * slope;
  if constexpr (curved) curvature = scale * curvature;
}

/// Value and slope.
template <class P, class Real>
HWY_INLINE void activate(const Activation& activation, const P& x, P& value, P& slope) {
  P unused;
  activate_curved<false, P, Real>(activation, x, value, slope, unused);
}

/// Value and slope, with their changes if x changes.
template <class Scalar, int N>
HWY_INLINE void activate_with_changes(const Activation& activation, const Pack<Scalar, N>& x, Pack<Scalar, N>& value,
                                      Pack<Scalar, N>& slope) {
  using J = Pack<Scalar, N>;
  if constexpr (is_jet<J>) {
    using P = typename J::P;
    P first, second;
    activate_curved<true, P, simd::Constant<Scalar>>(activation, x.value, value.value, first, second);
    slope = make_jet<J>(first, [&](int k) HWY_ATTR { return second * x.change[k]; });
    value = make_jet<J>(value.value, [&](int k) HWY_ATTR { return first * x.change[k]; });
  } else {
    activate<J, Scalar>(activation, x, value, slope);
  }
}

/// The value, with its changes if x changes.
template <class Scalar, int N>
HWY_INLINE Pack<Scalar, N> activated(const Activation& activation, const Pack<Scalar, N>& x) {
  using P = Pack<Scalar, N>;
  if constexpr (is_jet<P>) {
    typename P::P value, slope;
    activate<typename P::P, simd::Constant<Scalar>>(activation, x.value, value, slope);
    return make_jet<P>(value, [&](int k) HWY_ATTR { return slope * x.change[k]; });
  } else {
    P value, slope;
    activate<P, Scalar>(activation, x, value, slope);
    return value;
  }
}

/// x = gate(z) and dE/dz from dE/dx. Places of irreps in z: scalars, gates, gated; in x: scalars, gated.
template <class Real>
class GateKernel {
 public:
  explicit GateKernel(const Gate& gate) : gate_(gate) {}

  template <int K = 0>
  HWY_NOINLINE void forward(int atoms, const BlockFeatures<Real>& z, const BlockFeatures<Real>& x) const {
    using P = Line<Changing<Real, K>>;
    const int scalars = static_cast<int>(gate_.scalars.size());
    const int gated = static_cast<int>(gate_.gated.size());
    for (int i = 0; i < scalars; ++i) {
      const std::ptrdiff_t plane = x.layout->size(i) * atoms;
      for (std::ptrdiff_t n = 0; n < plane; n += P::lanes)
        store_planes(activated(gate_.scalar_activation[i], load_planes<P>(z.of(i) + n, plane)), x.of(i) + n, plane);
    }
    for (int i = 0; i < gated; ++i) {
      const int row = z.layout->channels(scalars + i);
      const int components = gate_.gated[i].components();
      const std::ptrdiff_t gates = static_cast<std::ptrdiff_t>(atoms) * row;
      const std::ptrdiff_t plane = components * gates;
      for (int a = 0; a < atoms; ++a)
        for (int c = 0; c < row; c += P::lanes) {
          const P gate = activated(gate_.gate_activation[i], load_planes<P>(z.of(scalars + i) + a * row + c, gates));
          for (int m = 0; m < components; ++m) {
            const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(a) * components + m) * row + c;
            store_planes(gate * load_planes<P>(z.of(scalars + gated + i) + at, plane), x.of(scalars + i) + at, plane);
          }
        }
    }
  }

  /// dz may not be z.
  template <int K = 0>
  HWY_NOINLINE void backward(int atoms, const BlockFeatures<Real>& z, const BlockFeatures<Real>& dx,
                             const BlockFeatures<Real>& dz) const {
    using P = Line<Changing<Real, K>>;
    const int scalars = static_cast<int>(gate_.scalars.size());
    const int gated = static_cast<int>(gate_.gated.size());
    P value, slope;
    for (int i = 0; i < scalars; ++i) {
      const std::ptrdiff_t plane = dx.layout->size(i) * atoms;
      for (std::ptrdiff_t n = 0; n < plane; n += P::lanes) {
        activate_with_changes(gate_.scalar_activation[i], load_planes<P>(z.of(i) + n, plane), value, slope);
        store_planes(slope * load_planes<P>(dx.of(i) + n, plane), dz.of(i) + n, plane);
      }
    }
    for (int i = 0; i < gated; ++i) {
      const int row = z.layout->channels(scalars + i);
      const int components = gate_.gated[i].components();
      const std::ptrdiff_t gates = static_cast<std::ptrdiff_t>(atoms) * row;
      const std::ptrdiff_t plane = components * gates;
      for (int a = 0; a < atoms; ++a)
        for (int c = 0; c < row; c += P::lanes) {
          const std::ptrdiff_t gate = static_cast<std::ptrdiff_t>(a) * row + c;
          activate_with_changes(gate_.gate_activation[i], load_planes<P>(z.of(scalars + i) + gate, gates), value,
                                slope);
          P sum = zero<P>();
          for (int m = 0; m < components; ++m) {
            const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(a) * components + m) * row + c;
            const P d = load_planes<P>(dx.of(scalars + i) + at, plane);
            sum = mul_add(d, load_planes<P>(z.of(scalars + gated + i) + at, plane), sum);
            store_planes(value * d, dz.of(scalars + gated + i) + at, plane);
          }
          store_planes(slope * sum, dz.of(scalars + i) + gate, gates);
        }
    }
  }

 private:
  Gate gate_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
