// Products of neighbours' features with spherical harmonics, summed over edges, with channels in the lanes.
#if defined(GRAPEVINE_NEQUIP_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_PRODUCTS_INL
#undef GRAPEVINE_NEQUIP_PRODUCTS_INL
#else
#define GRAPEVINE_NEQUIP_PRODUCTS_INL
#endif

#include <array>
#include <utility>

#include "models/nequip/clebsch_gordan.hpp"
#include "models/nequip/edges-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

#define GRAPEVINE_UNROLLED HWY_ATTR __attribute__((always_inline))

template <class Function, int... i>
HWY_INLINE void unroll(std::integer_sequence<int, i...> /*indices*/, const Function& function) {
  (function(std::integral_constant<int, i>()), ...);
}

/// function(0), ..., function(count - 1), each with a number that the compiler knows.
template <int count, class Function>
HWY_INLINE void unroll(const Function& function) {
  unroll(std::make_integer_sequence<int, count>(), function);
}

/// How orders l1 of a feature and l2 of the harmonics couple to l3: C[m1][m2][m3] = sqrt(2 l3 + 1) W, most of it zero.
template <int l1, int l2, int l3>
struct Coupling {
  static constexpr int n1 = 2 * l1 + 1, n2 = 2 * l2 + 1, n3 = 2 * l3 + 1;
  using Symbol = Wigner3j<l1, l2, l3>;

  static constexpr double c(int m1, int m2, int m3) { return detail::square_root(n3) * Symbol::value[m1][m2][m3]; }

  /// [m1][m3] the place of an edge's sum over m2 of C Y among those that are not always zero, or -1.
  struct Places {
    std::array<std::array<int, n3>, n1> of{};
    int count = 0;
  };
  static constexpr Places make_places() {
    Places found;
    for (int m1 = 0; m1 < n1; ++m1)
      for (int m3 = 0; m3 < n3; ++m3) {
        bool used = false;
        for (int m2 = 0; m2 < n2; ++m2) used = used || Symbol::value[m1][m2][m3] != 0;
        found.of[m1][m3] = used ? found.count++ : -1;
      }
    return found;
  }
  static constexpr Places places = make_places();
};

/// M[m1][m3] = sum over m2 of C Y for every edge, as [places][stride].
template <int l1, int l2, int l3, class Real>
HWY_NOINLINE void couple(const EdgeGeometry<Real>& geometry, Real* to) {
  using C = Coupling<l1, l2, l3>;
  using P = Line<Real>;
  const Real* harmonic = geometry.harmonics(l2);
  for (int e = 0; e < geometry.edges; e += P::lanes) {
    P y[C::n2];
    for (int m2 = 0; m2 < C::n2; ++m2) y[m2] = load<P>(harmonic + m2 * geometry.stride + e);
    unroll<C::n1>([&](auto m1) GRAPEVINE_UNROLLED {
      unroll<C::n3>([&](auto m3) GRAPEVINE_UNROLLED {
        constexpr int place = C::places.of[m1][m3];
        if constexpr (place >= 0) {
          P sum = zero<P>();
          unroll<C::n2>([&](auto m2) GRAPEVINE_UNROLLED {
            constexpr double c = C::c(m1, m2, m3);
            if constexpr (c != 0) sum = mul_add(broadcast<P>(static_cast<Real>(c)), y[m2], sum);
          });
          store(sum, to + place * geometry.stride + e);
        }
      });
    });
  }
}

/// Weights of a path's channels by splines of the distance; see RadialSpline.
template <class Real>
struct SplineWeights {
  const Real* table;     // of the path: [intervals][6][channels]
  std::ptrdiff_t row;    // channels, padded
  const int* interval;   // [edges]
  const Real* position;  // [edges] x in the interval
  Real slope_scale;      // dx/dr

  template <class P, int V>
  HWY_INLINE void value(int e, int channel, P (&w)[V]) const {
    const Real* a = table + interval[e] * (6 * row) + channel;
    const P x = broadcast<P>(position[e]);
    for (int v = 0; v < V; ++v) {
      const Real* at = a + v * P::lanes;
      P sum = load<P>(at + 5 * row);
      for (int k = 4; k >= 0; --k) sum = mul_add(sum, x, load<P>(at + k * row));
      w[v] = sum;
    }
  }

  /// The slopes still have to be multiplied by slope_scale.
  template <class P>
  HWY_INLINE void value_and_slope(int e, int channel, P& w, P& dw) const {
    const Real* at = table + interval[e] * (6 * row) + channel;
    const P x = broadcast<P>(position[e]);
    w = load<P>(at + 5 * row);
    dw = w;
    w = mul_add(w, x, load<P>(at + 4 * row));
    for (int k = 3; k >= 0; --k) {
      dw = mul_add(dw, x, w);
      w = mul_add(w, x, load<P>(at + k * row));
    }
  }
};

/// Weights computed by the radial network for every edge.
template <class Real>
struct ExactWeights {
  const Real* values;  // of the path: [edges][row]
  const Real* slopes;
  std::ptrdiff_t row;  // channels of all paths, padded
  Real slope_scale = 1;

  template <class P, int V>
  HWY_INLINE void value(int e, int channel, P (&w)[V]) const {
    for (int v = 0; v < V; ++v) w[v] = load<P>(values + e * row + channel + v * P::lanes);
  }
  template <class P>
  HWY_INLINE void value_and_slope(int e, int channel, P& w, P& dw) const {
    w = load<P>(values + e * row + channel);
    dw = load<P>(slopes + e * row + channel);
  }
};

/// Features of the atoms at the far ends of a block's edges: irreps of one kind, as [components][channels].
template <class Real>
struct Neighbours {
  const Real* features;          // of the irreps, in the row of atom or species 0
  Real* gradients;               // the same for dE/d(features); null if nobody wants them
  const std::ptrdiff_t* offset;  // [edges] of the neighbour's row
  std::ptrdiff_t component;      // from one component to the next
};

/// One centre's share in a path.
template <class Real>
struct CentreEdges {
  int begin, end;        // edges of the block
  const Real* coupling;  // [places][stride], see couple()
  std::ptrdiff_t stride;
};

/// m[m3] = sum over edges of w sum over m1 of M[m1][m3] y[m1], for V lines of channels from `channel` on.
template <int l1, int l2, int l3, int V, class Real, class Weights>
HWY_NOINLINE void sum_products(const CentreEdges<Real>& edges, const Neighbours<Real>& neighbours,
                               const Weights& weights, int channel, Real* message, std::ptrdiff_t component) {
  using C = Coupling<l1, l2, l3>;
  using P = Line<Real>;
  P sum[C::n3][V];
  for (auto& lines : sum)
    for (P& line : lines) line = zero<P>();
  for (int e = edges.begin; e < edges.end; ++e) {
    P w[V];
    weights.value(e, channel, w);
    const Real* from = neighbours.features + neighbours.offset[e] + channel;
    const Real* coupling = edges.coupling + e;
    for (int v = 0; v < V; ++v) {
      P y[C::n1];
      for (int m1 = 0; m1 < C::n1; ++m1) y[m1] = w[v] * load<P>(from + m1 * neighbours.component + v * P::lanes);
      unroll<C::n3>([&](auto m3) GRAPEVINE_UNROLLED {
        unroll<C::n1>([&](auto m1) GRAPEVINE_UNROLLED {
          constexpr int place = C::places.of[m1][m3];
          if constexpr (place >= 0)
            sum[m3][v] = mul_add(broadcast<P>(coupling[place * edges.stride]), y[m1], sum[m3][v]);
        });
      });
    }
  }
  for (int m3 = 0; m3 < C::n3; ++m3)
    for (int v = 0; v < V; ++v) store(sum[m3][v], message + m3 * component + channel + v * P::lanes);
}

/// Sums over lanes of `count` lines, added to to[i * stride].
template <int count, class P, class Real>
HWY_INLINE void add_lane_sums(const P (&lines)[count], Real* to, std::ptrdiff_t stride) {
  for (int i = 0; i < count; ++i) to[i * stride] += sum_of_lanes(lines[i]);
}

/// The way back: from g[m3] = dE/dm to dE/dy of the neighbours, dE/dr and dE/dY of the edges.
template <int l1, int l2, int l3, int V, class Real, class Weights>
HWY_NOINLINE void product_gradients(const CentreEdges<Real>& edges, const Neighbours<Real>& neighbours,
                                    const Weights& weights, int channel, const Real* d_message,
                                    std::ptrdiff_t component, Real* d_distance, Real* d_harmonic) {
  using C = Coupling<l1, l2, l3>;
  using P = Line<Real>;
  P g[C::n3][V];
  for (int m3 = 0; m3 < C::n3; ++m3)
    for (int v = 0; v < V; ++v) g[m3][v] = load<P>(d_message + m3 * component + channel + v * P::lanes);
  for (int e = edges.begin; e < edges.end; ++e) {
    const std::ptrdiff_t at = neighbours.offset[e] + channel;
    const Real* coupling = edges.coupling + e;
    P slope[1] = {zero<P>()};
    P d_y[C::n2];
    for (P& line : d_y) line = zero<P>();
    for (int v = 0; v < V; ++v) {
      P w, dw;
      weights.value_and_slope(e, channel + v * P::lanes, w, dw);
      P y[C::n1];
      P t[C::n1];
      for (int m1 = 0; m1 < C::n1; ++m1) {
        y[m1] = load<P>(neighbours.features + at + m1 * neighbours.component + v * P::lanes);
        t[m1] = zero<P>();
      }
      unroll<C::n1>([&](auto m1) GRAPEVINE_UNROLLED {
        unroll<C::n3>([&](auto m3) GRAPEVINE_UNROLLED {
          constexpr int place = C::places.of[m1][m3];
          if constexpr (place >= 0) t[m1] = mul_add(broadcast<P>(coupling[place * edges.stride]), g[m3][v], t[m1]);
        });
      });
      P d_w = y[0] * t[0];
      for (int m1 = 1; m1 < C::n1; ++m1) d_w = mul_add(y[m1], t[m1], d_w);
      slope[0] = mul_add(dw, d_w, slope[0]);
      if (neighbours.gradients != nullptr)
        for (int m1 = 0; m1 < C::n1; ++m1) {
          Real* to = neighbours.gradients + at + m1 * neighbours.component + v * P::lanes;
          store(mul_add(w, t[m1], load<P>(to)), to);
        }
      if constexpr (l2 > 0) {
        for (P& line : y) line = w * line;
        unroll<C::n1>([&](auto m1) GRAPEVINE_UNROLLED {
          unroll<C::n3>([&](auto m3) GRAPEVINE_UNROLLED {
            if constexpr (C::places.of[m1][m3] >= 0) {
              const P product = y[m1] * g[m3][v];
              unroll<C::n2>([&](auto m2) GRAPEVINE_UNROLLED {
                constexpr double c = C::c(m1, m2, m3);
                if constexpr (c != 0) d_y[m2] = mul_add(broadcast<P>(static_cast<Real>(c)), product, d_y[m2]);
              });
            }
          });
        });
      }
    }
    d_distance[e] += weights.slope_scale * sum_of_lanes(slope[0]);
    if constexpr (l2 > 0) add_lane_sums(d_y, d_harmonic + e, edges.stride);
  }
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
