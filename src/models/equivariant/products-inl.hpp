// Products of neighbours' features with spherical harmonics, summed over edges, with channels in the lanes.
#if defined(GRAPEVINE_EQUIVARIANT_PRODUCTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_PRODUCTS_INL
#undef GRAPEVINE_EQUIVARIANT_PRODUCTS_INL
#else
#define GRAPEVINE_EQUIVARIANT_PRODUCTS_INL
#endif

#include <array>
#include <utility>

#include "models/equivariant/edges-inl.hpp"
#include "models/equivariant/wigner_3j.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// How orders l1 of a feature and l2 of the harmonics couple to l3: C[m1][m2][m3] = sqrt(2 l3 + 1) W, most of it zero.
template <int l1, int l2, int l3>
struct Coupling {
  static constexpr int n1 = 2 * l1 + 1, n2 = 2 * l2 + 1, n3 = 2 * l3 + 1;
  using Symbol = Wigner3j<l1, l2, l3>;

  /// An element of C that is not zero. Places number the pairs of m1 and m3 that have any.
  struct Term {
    int m1 = 0, m2 = 0, m3 = 0, place = 0;
    bool first = false, last = false;  // of its place
    double c = 0;
  };
  struct Pair {
    int m1 = 0, m3 = 0;
  };

  static constexpr bool used(int m1, int m2, int m3) { return Symbol::value[m1][m2][m3] != 0; }
  static constexpr int last_used(int m1, int m3) {
    int last = -1;
    for (int m2 = 0; m2 < n2; ++m2)
      if (used(m1, m2, m3)) last = m2;
    return last;
  }

  static constexpr int count_terms() {
    int count = 0;
    for (int m1 = 0; m1 < n1; ++m1)
      for (int m3 = 0; m3 < n3; ++m3)
        for (int m2 = 0; m2 < n2; ++m2) count += used(m1, m2, m3) ? 1 : 0;
    return count;
  }
  static constexpr int count_places() {
    int count = 0;
    for (int m1 = 0; m1 < n1; ++m1)
      for (int m3 = 0; m3 < n3; ++m3) count += last_used(m1, m3) >= 0 ? 1 : 0;
    return count;
  }
  static constexpr int term_count = count_terms();
  static constexpr int place_count = count_places();
  using Terms = std::make_integer_sequence<int, term_count>;
  using Places = std::make_integer_sequence<int, place_count>;

  struct Lists {
    std::array<Term, term_count> terms{};
    std::array<Pair, place_count> pairs{};
  };
  static constexpr Lists make_lists() {
    Lists lists;
    int term = 0;
    int place = 0;
    for (int m1 = 0; m1 < n1; ++m1)
      for (int m3 = 0; m3 < n3; ++m3) {
        const int last = last_used(m1, m3);
        if (last < 0) continue;
        lists.pairs[place] = {m1, m3};
        bool first = true;
        for (int m2 = 0; m2 <= last; ++m2) {
          if (!used(m1, m2, m3)) continue;
          lists.terms[term++] = {
              m1, m2, m3, place, first, m2 == last, detail::square_root(n3) * Symbol::value[m1][m2][m3]};
          first = false;
        }
        ++place;
      }
    return lists;
  }
  static constexpr Lists lists = make_lists();

  /// Whether every term has a place of its own and C = 1, as where one of the orders is zero.
  static constexpr bool all_one() {
    for (const Term& term : lists.terms)
      if (!term.first || !term.last || term.c < 1 - 1e-12 || term.c > 1 + 1e-12) return false;
    return true;
  }

  static constexpr Term term(int n) { return lists.terms[n]; }
  static constexpr Pair pair(int n) { return lists.pairs[n]; }
};

// Loops over terms and places are folds over their numbers: what they index is known to the compiler, and stays in
// registers.

template <class C, class P, class Real, int... n>
HWY_INLINE void couple_terms(std::integer_sequence<int, n...> /*terms*/, const P (&y)[C::n2], Real* to,
                             std::ptrdiff_t stride) {
  P sum;
  ((sum = C::term(n).first ? broadcast<P>(static_cast<Real>(C::term(n).c)) * y[C::term(n).m2]
                           : mul_add(broadcast<P>(static_cast<Real>(C::term(n).c)), y[C::term(n).m2], sum),
    C::term(n).last ? store(sum, to + C::term(n).place * stride) : (void)0),
   ...);
}

/// to[m3] += sum over m1 of M[m1][m3] from[m1], with M of one edge.
template <class C, class P, class Real, int... n>
HWY_INLINE void add_products(std::integer_sequence<int, n...> /*places*/, const Real* coupling, std::ptrdiff_t stride,
                             const P (&from)[C::n1], P (&to)[C::n3]) {
  ((to[C::pair(n).m3] = mul_add(broadcast<P>(coupling[n * stride]), from[C::pair(n).m1], to[C::pair(n).m3])), ...);
}

/// to[m1] += sum over m3 of M[m1][m3] from[m3]
template <class C, class P, class Real, int... n>
HWY_INLINE void add_transposed_products(std::integer_sequence<int, n...> /*places*/, const Real* coupling,
                                        std::ptrdiff_t stride, const P (&from)[C::n3], P (&to)[C::n1]) {
  ((to[C::pair(n).m1] = mul_add(broadcast<P>(coupling[n * stride]), from[C::pair(n).m3], to[C::pair(n).m1])), ...);
}

/// to[m2] += sum over m1, m3 of C[m1][m2][m3] y[m1] g[m3]
template <class Real, class C, class P, int... n>
HWY_INLINE void add_harmonic_gradients(std::integer_sequence<int, n...> /*terms*/, const P (&y)[C::n1],
                                       const P (&g)[C::n3], P (&to)[C::n2]) {
  if constexpr (C::all_one()) {
    ((to[C::term(n).m2] = mul_add(y[C::term(n).m1], g[C::term(n).m3], to[C::term(n).m2])), ...);
  } else {
    P product;
    ((product = C::term(n).first ? y[C::term(n).m1] * g[C::term(n).m3] : product,
      to[C::term(n).m2] = mul_add(broadcast<P>(static_cast<Real>(C::term(n).c)), product, to[C::term(n).m2])),
     ...);
  }
}

/// M[m1][m3] = sum over m2 of C Y for every edge, as [places][stride]; also a change of M from that of Y.
template <int l1, int l2, int l3, class Real>
HWY_NOINLINE void couple(const EdgeGeometry<Real>& geometry, int plane, Real* to) {
  using C = Coupling<l1, l2, l3>;
  using P = Register<Real>;
  const Real* harmonic = geometry.harmonics(l2, plane);
  for (int e = 0; e < geometry.edges; e += P::lanes) {
    P y[C::n2];
    for (int m2 = 0; m2 < C::n2; ++m2) y[m2] = load<P>(harmonic + m2 * geometry.stride + e);
    couple_terms<C>(typename C::Terms(), y, to + e, geometry.stride);
  }
}

/// Weights of a path's channels by splines of the distance; see RadialSpline.
template <class Real>
struct SplineWeights {
  const Real* const* interval;  // [edges] coefficients of all paths
  std::ptrdiff_t offset;        // of the path's [6][channels] in them
  std::ptrdiff_t row;           // channels, padded
  const Real* position;         // [edges] x in the interval
  const Real* scale;            // [edges] dx/dr

  HWY_INLINE Real slope_scale(int e) const { return scale[e]; }

  template <class P, int V>
  HWY_INLINE void value(int e, int channel, P (&w)[V]) const {
    const Real* a = interval[e] + offset + channel;
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
    const Real* at = interval[e] + offset + channel;
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

  HWY_INLINE Real slope_scale(int /*edge*/) const { return Real(1); }

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
  std::ptrdiff_t plane;          // from the features to their changes, and on; 0: they do not change
};

/// One centre's share in a path, whose edges change in K directions.
template <class Real, int K = 0>
struct CentreEdges;

template <class Real>
struct CentreEdges<Real, 0> {
  int begin, end;        // edges of the block
  const Real* coupling;  // [places][stride], see couple()
  std::ptrdiff_t stride;
};

template <class Real, int K>
struct CentreEdges : CentreEdges<Real> {
  std::ptrdiff_t coupling_plane;  // from the couplings to their changes, and on
  const Real* distance_change;    // [K][stride] of what the weights take for the distance
  const Real* d[3];               // [edges] components of the edge vectors
};

/// Where a centre's message goes, with its changes.
template <class Real>
struct MessageRow {
  Real* numbers;             // [components][channels]
  std::ptrdiff_t component;  // from one component to the next
  std::ptrdiff_t plane;      // from the message to its changes, and on
};

/// Changes of what one edge adds to a message: of w M y by w, M and y. `y` and `weighted` are the neighbour's features
/// and w times these, `slope` is dw/d(distance). Changes behind the first are those along axes: see TangentBlock.
template <class C, int K, class P, class Real>
HWY_INLINE void add_changes_of_products(const CentreEdges<Real, K>& edges, int e, const Real* from,
                                        const Neighbours<Real>& neighbours, const P& w, const P& slope,
                                        const P (&y)[C::n1], const P (&weighted)[C::n1], P (&sum)[K][C::n3]) {
  for (int k = 0; k < K; ++k) {
    const P weight_change = broadcast<P>(edges.distance_change[k * edges.stride + e]) * slope;
    P z[C::n1];
    for (int m1 = 0; m1 < C::n1; ++m1) z[m1] = weight_change * y[m1];
    if (neighbours.plane != 0)
      for (int m1 = 0; m1 < C::n1; ++m1) {
        const Real* change = from + m1 * neighbours.component + neighbours.plane;
        P own = load<P>(change + k * neighbours.plane);
        if (k > 0) own = mul_add(broadcast<P>(edges.d[k - 1][e]), load<P>(change), own);
        z[m1] = mul_add(w, own, z[m1]);
      }
    P line[C::n3];
    for (int m3 = 0; m3 < C::n3; ++m3) line[m3] = sum[k][m3];
    add_products<C>(typename C::Places(), edges.coupling + e, edges.stride, z, line);
    add_products<C>(typename C::Places(), edges.coupling + (k + 1) * edges.coupling_plane + e, edges.stride, weighted,
                    line);
    for (int m3 = 0; m3 < C::n3; ++m3) sum[k][m3] = line[m3];
  }
}

/// m[m3] = sum over edges of w sum over m1 of M[m1][m3] y[m1], for V registers of channels from `channel` on, and its
/// changes in K directions, where V is one.
template <int l1, int l2, int l3, int V, int K, class Real, class Weights>
HWY_NOINLINE void sum_products(const CentreEdges<Real, K>& edges, const Neighbours<Real>& neighbours,
                               const Weights& weights, int channel, const MessageRow<Real>& message) {
  static_assert(K == 0 || V == 1);
  using C = Coupling<l1, l2, l3>;
  using P = Register<Real>;
  P sum[V][C::n3];
  for (auto& lines : sum)
    for (P& line : lines) line = zero<P>();
  [[maybe_unused]] P changes[K + (K == 0)][C::n3];
  if constexpr (K > 0)
    for (auto& lines : changes)
      for (P& line : lines) line = zero<P>();
  for (int e = edges.begin; e < edges.end; ++e) {
    P w[V];
    [[maybe_unused]] P slope;
    if constexpr (K == 0)
      weights.value(e, channel, w);
    else
      weights.value_and_slope(e, channel, w[0], slope);
    const Real* from = neighbours.features + neighbours.offset[e] + channel;
    for (int v = 0; v < V; ++v) {
      P y[C::n1];
      P weighted[C::n1];
      for (int m1 = 0; m1 < C::n1; ++m1) {
        y[m1] = load<P>(from + m1 * neighbours.component + v * P::lanes);
        weighted[m1] = w[v] * y[m1];
      }
      add_products<C>(typename C::Places(), edges.coupling + e, edges.stride, weighted, sum[v]);
      if constexpr (K > 0)
        add_changes_of_products<C>(edges, e, from, neighbours, w[v], broadcast<P>(weights.slope_scale(e)) * slope, y,
                                   weighted, changes);
    }
  }
  for (int m3 = 0; m3 < C::n3; ++m3) {
    Real* to = message.numbers + m3 * message.component + channel;
    for (int v = 0; v < V; ++v) store(sum[v][m3], to + v * P::lanes);
    for (int k = 0; k < K; ++k) store(changes[k][m3], to + (k + 1) * message.plane);
  }
}

/// Sums over lanes of `count` lines, added to to[i * stride].
template <int count, class P, class Real>
HWY_INLINE void add_lane_sums(const P (&lines)[count], Real* to, std::ptrdiff_t stride) {
  Real sums[count + 3];
  store_sums_of_lanes<count>(lines, sums);
  for (int i = 0; i < count; ++i) to[i * stride] += sums[i];
}

/// The way back: from g[m3] = dE/dm to dE/dy of the neighbours, dE/dr and dE/dY of the edges.
template <int l1, int l2, int l3, int V, class Real, class Weights>
HWY_NOINLINE void product_gradients(const CentreEdges<Real>& edges, const Neighbours<Real>& neighbours,
                                    const Weights& weights, int channel, const Real* d_message,
                                    std::ptrdiff_t component, Real* d_distance, Real* d_harmonic) {
  using C = Coupling<l1, l2, l3>;
  using P = Register<Real>;
  P g[V][C::n3];
  for (int m3 = 0; m3 < C::n3; ++m3)
    for (int v = 0; v < V; ++v) g[v][m3] = load<P>(d_message + m3 * component + channel + v * P::lanes);
  for (int e = edges.begin; e < edges.end; ++e) {
    const std::ptrdiff_t at = neighbours.offset[e] + channel;
    P slope = zero<P>();
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
      add_transposed_products<C>(typename C::Places(), edges.coupling + e, edges.stride, g[v], t);
      P d_w = y[0] * t[0];
      for (int m1 = 1; m1 < C::n1; ++m1) d_w = mul_add(y[m1], t[m1], d_w);
      slope = mul_add(dw, d_w, slope);
      if (neighbours.gradients != nullptr)
        for (int m1 = 0; m1 < C::n1; ++m1) {
          Real* to = neighbours.gradients + at + m1 * neighbours.component + v * P::lanes;
          store(mul_add(w, t[m1], load<P>(to)), to);
        }
      if constexpr (l2 > 0) {
        for (P& line : y) line = w * line;
        add_harmonic_gradients<Real, C>(typename C::Terms(), y, g[v], d_y);
      }
    }
    d_distance[e] += weights.slope_scale(e) * sum_of_lanes(slope);
    if constexpr (l2 > 0) add_lane_sums(d_y, d_harmonic + e, edges.stride);
  }
}

/// Where the gradients by the weights of edges go.
template <class Real>
struct WeightGradient {
  Real* numbers;         // of the path: [edges][row]
  std::ptrdiff_t plane;  // from the gradients to their changes
  std::ptrdiff_t row;    // channels of all paths, padded
};

/// The way back in dual numbers (see MatrixGradient): from g = dE/dm and its change to those by the weights of the
/// edges and by y of the neighbours, which is added to. Gradients by positions are not wanted there.
template <int l1, int l2, int l3, class Real, class Weights>
HWY_NOINLINE void product_gradients_in_duals(const CentreEdges<Real, 1>& edges, const Neighbours<Real>& neighbours,
                                             const Weights& weights, int channel, const MessageRow<Real>& d_message,
                                             const WeightGradient<Real>& d_weight) {
  using C = Coupling<l1, l2, l3>;
  using P = Register<Real>;
  P g[C::n3], g_change[C::n3];
  for (int m3 = 0; m3 < C::n3; ++m3) {
    const Real* from = d_message.numbers + m3 * d_message.component + channel;
    g[m3] = load<P>(from);
    g_change[m3] = load<P>(from + d_message.plane);
  }
  for (int e = edges.begin; e < edges.end; ++e) {
    P w, slope;
    weights.value_and_slope(e, channel, w, slope);
    const P w_change = broadcast<P>(edges.distance_change[e] * weights.slope_scale(e)) * slope;
    P t[C::n1], t_change[C::n1];
    for (int m1 = 0; m1 < C::n1; ++m1) t[m1] = t_change[m1] = zero<P>();
    add_transposed_products<C>(typename C::Places(), edges.coupling + e, edges.stride, g, t);
    add_transposed_products<C>(typename C::Places(), edges.coupling + e, edges.stride, g_change, t_change);
    add_transposed_products<C>(typename C::Places(), edges.coupling + edges.coupling_plane + e, edges.stride, g,
                               t_change);
    const std::ptrdiff_t at = neighbours.offset[e] + channel;
    P u = zero<P>();
    P u_change = zero<P>();
    for (int m1 = 0; m1 < C::n1; ++m1) {
      const Real* from = neighbours.features + at + m1 * neighbours.component;
      const P y = load<P>(from);
      u = mul_add(y, t[m1], u);
      u_change = mul_add(y, t_change[m1], u_change);
      u_change = mul_add(load<P>(from + neighbours.plane), t[m1], u_change);
      Real* to = neighbours.gradients + at + m1 * neighbours.component;
      store(mul_add(w, t[m1], load<P>(to)), to);
      to += neighbours.plane;
      store(mul_add(w_change, t[m1], mul_add(w, t_change[m1], load<P>(to))), to);
    }
    Real* to = d_weight.numbers + e * d_weight.row + channel;
    store(u, to);
    store(u_change, to + d_weight.plane);
  }
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
