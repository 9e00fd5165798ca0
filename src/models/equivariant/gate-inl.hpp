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

/// Value and slope of an activation, for numbers side by side.
template <class P, class Real>
HWY_INLINE void activate(const Activation& activation, const P& x, P& value, P& slope) {
  const P one = broadcast<P>(Real(1));
  const P zeros = zero<P>();
  const auto sigmoid = [&](const P& at) HWY_ATTR { return one / (one + exponential(zeros - at)); };
  switch (activation.kind) {
    case ActivationKind::identity:
      value = x;
      slope = one;
      break;
    case ActivationKind::silu: {
      const P s = sigmoid(x);
      value = x * s;
      slope = s * (one + x * (one - s));
      break;
    }
    case ActivationKind::tanh: {
      const P s = sigmoid(x + x);
      value = s + s - one;
      slope = one - value * value;
      break;
    }
    case ActivationKind::sigmoid: {
      value = sigmoid(x);
      slope = value * (one - value);
      break;
    }
    default: {
      Real values[P::lanes];
      Real slopes[P::lanes];
      store(x, values);
      Activation unscaled = activation;
      unscaled.scale = 1;
      for (int lane = 0; lane < P::lanes; ++lane) {
        const double at = static_cast<double>(values[lane]);
        values[lane] = static_cast<Real>(unscaled.value(at));
        slopes[lane] = static_cast<Real>(unscaled.slope(at));
      }
      value = load<P>(values);
      slope = load<P>(slopes);
    }
  }
  const P scale = broadcast<P>(static_cast<Real>(activation.scale));
  value = scale * value;
  slope = scale * slope;
}

/// x = gate(z) and dE/dz from dE/dx. Places of irreps in z: scalars, gates, gated; in x: scalars, gated.
template <class Real>
class GateKernel {
 public:
  explicit GateKernel(const Gate& gate) : gate_(gate) {}

  HWY_NOINLINE void forward(int atoms, const BlockFeatures<Real>& z, const BlockFeatures<Real>& x) const {
    using P = Line<Real>;
    const int scalars = static_cast<int>(gate_.scalars.size());
    const int gated = static_cast<int>(gate_.gated.size());
    P value, slope;
    for (int i = 0; i < scalars; ++i)
      for (std::ptrdiff_t n = 0; n < x.layout->size(i) * atoms; n += P::lanes) {
        activate<P, Real>(gate_.scalar_activation[i], load<P>(z.of(i) + n), value, slope);
        store(value, x.of(i) + n);
      }
    for (int i = 0; i < gated; ++i) {
      const int row = z.layout->channels(scalars + i);
      const int components = gate_.gated[i].components();
      for (int a = 0; a < atoms; ++a)
        for (int c = 0; c < row; c += P::lanes) {
          activate<P, Real>(gate_.gate_activation[i], load<P>(z.of(scalars + i) + a * row + c), value, slope);
          for (int m = 0; m < components; ++m) {
            const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(a) * components + m) * row + c;
            store(value * load<P>(z.of(scalars + gated + i) + at), x.of(scalars + i) + at);
          }
        }
    }
  }

  /// dz may not be z.
  HWY_NOINLINE void backward(int atoms, const BlockFeatures<Real>& z, const BlockFeatures<Real>& dx,
                             const BlockFeatures<Real>& dz) const {
    using P = Line<Real>;
    const int scalars = static_cast<int>(gate_.scalars.size());
    const int gated = static_cast<int>(gate_.gated.size());
    P value, slope;
    for (int i = 0; i < scalars; ++i)
      for (std::ptrdiff_t n = 0; n < dx.layout->size(i) * atoms; n += P::lanes) {
        activate<P, Real>(gate_.scalar_activation[i], load<P>(z.of(i) + n), value, slope);
        store(slope * load<P>(dx.of(i) + n), dz.of(i) + n);
      }
    for (int i = 0; i < gated; ++i) {
      const int row = z.layout->channels(scalars + i);
      const int components = gate_.gated[i].components();
      for (int a = 0; a < atoms; ++a)
        for (int c = 0; c < row; c += P::lanes) {
          activate<P, Real>(gate_.gate_activation[i], load<P>(z.of(scalars + i) + a * row + c), value, slope);
          P sum = zero<P>();
          for (int m = 0; m < components; ++m) {
            const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(a) * components + m) * row + c;
            const P d = load<P>(dx.of(scalars + i) + at);
            sum = mul_add(d, load<P>(z.of(scalars + gated + i) + at), sum);
            store(value * d, dz.of(scalars + gated + i) + at);
          }
          store(slope * sum, dz.of(scalars + i) + a * row + c);
        }
    }
  }

 private:
  Gate gate_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
