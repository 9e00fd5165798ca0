// Geometry and spherical harmonics of edges, with the edges in the lanes.
#if defined(GRAPEVINE_EQUIVARIANT_EDGES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_EDGES_INL
#undef GRAPEVINE_EQUIVARIANT_EDGES_INL
#else
#define GRAPEVINE_EQUIVARIANT_EDGES_INL
#endif

#include <cstddef>
#include <type_traits>
#include <vector>

#include "engine/graph.hpp"
#include "engine/tangents.hpp"
#include "models/edge_changes.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/line-inl.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Harmonics up to the highest order that is supported, those of order l from l^2 on.
inline constexpr int most_harmonics = (max_order + 1) * (max_order + 1);

/// What the kernels want to know of a block's edges; arrays have a row of `stride` numbers for each component. Planes
/// are the value and its changes.
template <class Real>
struct EdgeGeometry {
  int edges = 0;
  std::ptrdiff_t stride = 0;                     // edges padded to whole lines
  simd::AlignedVector<Real> distance;            // [planes][stride]
  simd::AlignedVector<Real> stretch;             // [stride] of distances for the radial functions; only if `stretched`
  simd::AlignedVector<Real> stretched_distance;  // [planes][stride]
  bool stretched = false;
  std::vector<int> kind;                 // [edges] of the radial functions; empty: one kind for all
  simd::AlignedVector<Real> direction;   // [3][stride] from the centre to the neighbour
  simd::AlignedVector<Real> harmonic;    // [planes][harmonics][stride]
  simd::AlignedVector<Real> d_distance;  // [stride] dE/d(radial distance)
  simd::AlignedVector<Real> d_harmonic;  // [harmonics][stride] dE/dY

  /// Makes room, for any order: passes with lower harmonics than others share this.
  void fit(int count, int planes) {
    edges = count;
    stride = (count + Line<Real>::lanes - 1) / Line<Real>::lanes * Line<Real>::lanes;
    grow(distance, planes);
    grow(direction, 3);
    grow(harmonic, planes * most_harmonics);
    grow(d_distance, 1);
    grow(d_harmonic, most_harmonics);
  }

  /// [stride] what the radial functions take for the distance, or a change of it.
  const Real* radial_distance(int plane = 0) const {
    return (stretched ? stretched_distance : distance).data() + plane * stride;
  }
  int kind_of(int edge) const { return kind.empty() ? 0 : kind[static_cast<std::size_t>(edge)]; }
  const Real* harmonics(int l, int plane = 0) const {
    return harmonic.data() + (plane * most_harmonics + l * l) * stride;
  }
  Real* d_harmonics(int l) { return d_harmonic.data() + l * l * stride; }

 private:
  void grow(simd::AlignedVector<Real>& rows, int count) const {
    const auto size = static_cast<std::size_t>(count * stride);
    if (rows.size() < size) rows.resize(size);
  }
};

/// In how many directions a block's edge vectors change, and how.
struct NoChange {};
template <class BlockOrChanges>
inline constexpr int directions = 0;
template <class Real>
inline constexpr int directions<EdgeTangents<Real>> = tangent_count;
template <class Real>
inline constexpr int directions<TangentBlock<Real>> = tangent_count;
template <class Real>
inline constexpr int directions<EdgeChanges<Real>> = 1;
template <class Real>
struct DualBlock;
template <class Real>
inline constexpr int directions<DualBlock<Real>> = 1;

/// A component of d of the edges from `edge` on.
template <class P, class Real>
HWY_INLINE P load_component(const std::vector<Real>& d, const NoChange& /*changes*/, int /*component*/, int edge) {
  return load<P>(d.data() + edge);
}
template <class P, class Real, class Changes>
HWY_INLINE P load_component(const std::vector<Real>& d, const Changes& changes, int component, int edge) {
  return make_jet<P>(load<typename P::P>(d.data() + edge),
                     [&](int k) HWY_ATTR { return load<typename P::P>(changes.change(k, component) + edge); });
}

// Factors of the real harmonics, of norm sqrt(2 l + 1).
template <class Real>
struct HarmonicFactor {
  static constexpr Real one = Real(1.7320508075688772);            // sqrt(3)
  static constexpr Real two = Real(3.8729833462074170);            // sqrt(15)
  static constexpr Real two_axis = Real(2.2360679774997898);       // sqrt(5)
  static constexpr Real three_end = Real(2.0916500663351889);      // sqrt(35 / 8)
  static constexpr Real three_product = Real(10.246950765959598);  // sqrt(105)
  static constexpr Real three_plane = Real(1.6201851746019651);    // sqrt(21 / 8)
  static constexpr Real three_axis = Real(1.3228756555322954);     // sqrt(7) / 2
  static constexpr Real four_end = Real(2.2185299186623560);       // 3 sqrt(35) / 8
  static constexpr Real four_three = Real(6.2749501990055663);     // 3 sqrt(70) / 4
  static constexpr Real four_two = Real(3.3541019662496845);       // 3 sqrt(5) / 2
  static constexpr Real four_one = Real(2.3717082451262845);       // 3 sqrt(10) / 4
  static constexpr Real four_axis = Real(0.375);                   // 3 / 8
};

template <class Scalar, int N, class Real>
HWY_INLINE void store_harmonics(int max_l, const Pack<Scalar, N>& x, const Pack<Scalar, N>& y, const Pack<Scalar, N>& z,
                                Real* to, std::ptrdiff_t stride) {
  using P = Pack<Scalar, N>;
  using F = HarmonicFactor<Real>;
  const auto times = [](Real factor, const P& p) HWY_ATTR { return broadcast<ConstantPack<P>>(factor) * p; };
  const auto store = [&](const P& p, Real* at) HWY_ATTR { store_planes(p, at, most_harmonics * stride); };
  store(broadcast<P>(Scalar(1)), to);
  if (max_l == 0) return;
  store(times(F::one, x), to + stride);
  store(times(F::one, y), to + 2 * stride);
  store(times(F::one, z), to + 3 * stride);
  if (max_l == 1) return;
  const P xx = x * x;
  const P yy = y * y;
  const P zz = z * z;
  const P around = xx + zz;
  store(times(F::two, x * z), to + 4 * stride);
  store(times(F::two, x * y), to + 5 * stride);
  store(times(F::two_axis, yy - times(Real(0.5), around)), to + 6 * stride);
  store(times(F::two, y * z), to + 7 * stride);
  store(times(F::two * Real(0.5), zz - xx), to + 8 * stride);
  if (max_l == 2) return;
  const P plane = times(Real(4), yy) - around;
  store(times(F::three_end, x * (times(Real(3), zz) - xx)), to + 9 * stride);
  store(times(F::three_product, x * y * z), to + 10 * stride);
  store(times(F::three_plane, x * plane), to + 11 * stride);
  store(times(F::three_axis, y * (times(Real(2), yy) - times(Real(3), around))), to + 12 * stride);
  store(times(F::three_plane, z * plane), to + 13 * stride);
  store(times(F::three_product * Real(0.5), y * (zz - xx)), to + 14 * stride);
  store(times(F::three_end, z * (zz - times(Real(3), xx))), to + 15 * stride);
  if (max_l == 3) return;
  const P wide = times(Real(6), yy) - around;
  const P across = zz - xx;
  store(times(F::four_end * Real(4), x * z * across), to + 16 * stride);
  store(times(F::four_three, x * y * (times(Real(3), zz) - xx)), to + 17 * stride);
  store(times(F::four_two, x * z * wide), to + 18 * stride);
  store(times(F::four_one, x * y * (times(Real(4), yy) - times(Real(3), around))), to + 19 * stride);
  store(times(F::four_axis, times(Real(8), yy * yy) + around * (times(Real(3), around) - times(Real(24), yy))),
        to + 20 * stride);
  store(times(F::four_one, y * z * (times(Real(4), yy) - times(Real(3), around))), to + 21 * stride);
  store(times(F::four_two * Real(0.5), across * wide), to + 22 * stride);
  store(times(F::four_three, y * z * (zz - times(Real(3), xx))), to + 23 * stride);
  store(times(F::four_end, across * across - times(Real(4), xx * zz)), to + 24 * stride);
}

/// What harmonics of order four add to harmonic_gradient().
template <class P, class Real>
HWY_INLINE void add_gradient_of_order_four(const P& x, const P& y, const P& z, const Real* g, std::ptrdiff_t stride,
                                           P (&sum)[3]) {
  using F = HarmonicFactor<Real>;
  const auto times = [](Real factor, const P& p) HWY_ATTR { return broadcast<P>(factor) * p; };
  const auto gradient = [&](Real factor, int m) HWY_ATTR { return times(factor, load<P>(g + (16 + m) * stride)); };
  const P xx = x * x;
  const P yy = y * y;
  const P zz = z * z;
  const P xz = x * z;
  const P around = xx + zz;
  const P across = zz - xx;
  const P wide = times(Real(6), yy) - around;
  const P narrow = times(Real(4), yy) - times(Real(3), around);
  const P axial = times(Real(12), yy) - times(Real(3), around);
  const P xxx = zz - times(Real(3), xx);
  const P zzz = times(Real(3), zz) - xx;
  const P h0 = gradient(F::four_end * Real(4), 0);
  const P h1 = gradient(F::four_three, 1);
  const P h2 = gradient(F::four_two, 2);
  const P h3 = gradient(F::four_one, 3);
  const P h4 = gradient(F::four_axis * Real(4), 4);
  const P h5 = gradient(F::four_one, 5);
  const P h6 = gradient(F::four_two, 6);
  const P h7 = gradient(F::four_three, 7);
  const P h8 = gradient(F::four_end * Real(4), 8);
  const P outside = times(Real(3), around) - times(Real(12), yy);
  const P six_xz = times(Real(6), xz);
  sum[0] = sum[0] + h0 * z * xxx + times(Real(3), h1) * y * across + h2 * z * (wide - (xx + xx)) +
           h3 * y * (narrow - times(Real(6), xx)) + h4 * x * outside - h5 * y * six_xz - h6 * x * (wide + across) -
           h7 * y * six_xz - h8 * x * zzz;
  sum[1] = sum[1] + h1 * x * zzz + times(Real(2), h2) * y * six_xz + h3 * x * axial +
           h4 * y * (times(Real(8), yy) - times(Real(12), around)) + h5 * z * axial + times(Real(6), h6) * y * across +
           h7 * z * xxx;
  sum[2] = sum[2] + h0 * x * zzz + h1 * y * six_xz + h2 * x * (wide - (zz + zz)) - h3 * y * six_xz + h4 * z * outside +
           h5 * y * (narrow - times(Real(6), zz)) + h6 * z * (wide - across) + times(Real(3), h7) * y * across +
           h8 * z * xxx;
}

/// sum of g_lm grad P_lm at (x, y, z), where P_lm are the harmonics as homogeneous polynomials and g = dE/dY.
template <class P, class Real>
HWY_INLINE void harmonic_gradient(int max_l, const P& x, const P& y, const P& z, const Real* g, std::ptrdiff_t stride,
                                  P (&sum)[3]) {
  using F = HarmonicFactor<Real>;
  const auto times = [](Real factor, const P& p) HWY_ATTR { return broadcast<P>(factor) * p; };
  for (P& s : sum) s = zero<P>();
  if (max_l == 0) return;
  for (int k = 0; k < 3; ++k) sum[k] = times(F::one, load<P>(g + (k + 1) * stride));
  if (max_l == 1) return;
  const P a = times(F::two, load<P>(g + 4 * stride));
  const P b = times(F::two, load<P>(g + 5 * stride));
  const P c = times(F::two_axis, load<P>(g + 6 * stride));
  const P d = times(F::two, load<P>(g + 7 * stride));
  const P e = times(F::two, load<P>(g + 8 * stride));
  sum[0] = sum[0] + a * z + b * y - (c + e) * x;
  sum[1] = sum[1] + b * x + times(Real(2), c) * y + d * z;
  sum[2] = sum[2] + a * x + d * y + (e - c) * z;
  if (max_l == 2) return;
  const P xx = x * x;
  const P yy = y * y;
  const P zz = z * z;
  const P xy = x * y;
  const P yz = y * z;
  const P xz = x * z;
  const P h0 = times(F::three_end * Real(3), load<P>(g + 9 * stride));
  const P h1 = times(F::three_product, load<P>(g + 10 * stride));
  const P h2 = times(F::three_plane, load<P>(g + 11 * stride));
  const P h3 = times(F::three_axis, load<P>(g + 12 * stride));
  const P h4 = times(F::three_plane, load<P>(g + 13 * stride));
  const P h5 = times(F::three_product * Real(0.5), load<P>(g + 14 * stride));
  const P h6 = times(F::three_end * Real(3), load<P>(g + 15 * stride));
  const P two_xy = xy + xy;
  const P two_yz = yz + yz;
  const P two_xz = xz + xz;
  sum[0] = sum[0] + h0 * (zz - xx) + h1 * yz + h2 * (times(Real(4), yy) - times(Real(3), xx) - zz) -
           times(Real(3), h3) * two_xy - h4 * two_xz - h5 * two_xy - h6 * two_xz;
  sum[1] = sum[1] + h1 * xz + times(Real(4), h2) * two_xy +
           h3 * (times(Real(6), yy) - times(Real(3), xx) - times(Real(3), zz)) + times(Real(4), h4) * two_yz +
           h5 * (zz - xx);
  sum[2] = sum[2] + h0 * two_xz + h1 * xy - h2 * two_xz - times(Real(3), h3) * two_yz +
           h4 * (times(Real(4), yy) - xx - times(Real(3), zz)) + h5 * two_yz + h6 * (zz - xx);
  if (max_l > 3) add_gradient_of_order_four(x, y, z, g, stride, sum);
}

/// Distances, directions and harmonics of a block's edges, with their changes.
template <class Real, class Changes>
HWY_INLINE void compute_geometry(const EdgeBlock<Real>& edges, const Changes& changes, int max_l,
                                 EdgeGeometry<Real>& g) {
  constexpr int K = directions<Changes>;
  // Numbers with changes take many registers as it is.
  using P = std::conditional_t<K == 0, Line<Real>, Register<Changing<Real, K>>>;
  g.fit(edges.edges(), 1 + K);
  for (int e = 0; e < g.edges; e += P::lanes) {
    const P x = load_component<P>(edges.x, changes, 0, e);
    const P y = load_component<P>(edges.y, changes, 1, e);
    const P z = load_component<P>(edges.z, changes, 2, e);
    const P r = square_root(x * x + y * y + z * z);
    const P outward = broadcast<ConstantPack<P>>(Real(-1)) / r;
    const P u[3] = {x * outward, y * outward, z * outward};
    store_planes(r, g.distance.data() + e, g.stride);
    if constexpr (K == 0)  // directions alone are for the way back
      for (int k = 0; k < 3; ++k) store(u[k], g.direction.data() + k * g.stride + e);
    store_harmonics(max_l, u[0], u[1], u[2], g.harmonic.data() + e, g.stride);
  }
}

/// Radial functions are to see every edge's distance times its stretch, which is set.
template <class Real>
HWY_INLINE void stretch_distances(int planes, EdgeGeometry<Real>& g) {
  using P = Line<Real>;
  g.stretched = true;
  g.stretched_distance.resize(g.distance.size());
  for (int plane = 0; plane < planes; ++plane)
    for (std::ptrdiff_t e = 0; e < g.stride; e += P::lanes)
      store(load<P>(g.stretch.data() + e) * load<P>(g.distance.data() + plane * g.stride + e),
            g.stretched_distance.data() + plane * g.stride + e);
}

template <class Real>
HWY_INLINE void clear_geometry_gradient(int max_l, EdgeGeometry<Real>& g) {
  std::fill_n(g.d_distance.begin(), g.stride, Real(0));
  std::fill_n(g.d_harmonic.begin(), (max_l + 1) * (max_l + 1) * g.stride, Real(0));
}

/// dE/dd of all edges, [edges][4], from dE/dr and dE/dY. Harmonics are of the direction u alone, so that only what is
/// across u of their gradient counts; d points the other way.
template <class Real>
HWY_INLINE void edge_gradients(int max_l, const EdgeGeometry<Real>& g, Real* edge_gradient) {
  using P = Line<Real>;
  const Real* u = g.direction.data();
  for (int e = 0; e < g.edges; e += P::lanes) {
    const P x = load<P>(u + e);
    const P y = load<P>(u + g.stride + e);
    const P z = load<P>(u + 2 * g.stride + e);
    P across[3];
    harmonic_gradient(max_l, x, y, z, g.d_harmonic.data() + e, g.stride, across);
    const P along = across[0] * x + across[1] * y + across[2] * z;
    const P inverse = broadcast<P>(Real(1)) / load<P>(g.distance.data() + e);
    P d_distance = load<P>(g.d_distance.data() + e);
    if (g.stretched) d_distance = load<P>(g.stretch.data() + e) * d_distance;
    const P radial = d_distance - inverse * along;
    Real components[3][P::lanes];
    const P* direction[3] = {&x, &y, &z};
    for (int k = 0; k < 3; ++k)
      store(broadcast<P>(Real(0)) - mul_add(radial, *direction[k], inverse * across[k]), components[k]);
    const int lanes = g.edges - e < P::lanes ? g.edges - e : P::lanes;
    for (int lane = 0; lane < lanes; ++lane)
      for (int k = 0; k < 3; ++k) edge_gradient[4 * static_cast<std::ptrdiff_t>(e + lane) + k] = components[k][lane];
  }
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
