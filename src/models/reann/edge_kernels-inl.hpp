// What edges do: densities from neighbours, and gradients back to coefficients and edge vectors. Eight waves lie in the
// lanes; where there are more, the edges of a centre are gone through once for every eight.
#if defined(GRAPEVINE_REANN_EDGE_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_EDGE_KERNELS_INL
#undef GRAPEVINE_REANN_EDGE_KERNELS_INL
#else
#define GRAPEVINE_REANN_EDGE_KERNELS_INL
#endif

#include <type_traits>

#include "engine/graph.hpp"
#include "models/reann/radial-inl.hpp"
#include "models/reann/shells-inl.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Species of neighbours, for models with one and with several.
struct OneSpecies {
  HWY_INLINE int operator()(int /*row*/) const { return 0; }
};
struct ManySpecies {
  const int* species;
  HWY_INLINE int operator()(int row) const { return species[row]; }
};

/// Coefficients of neighbours: c^(0) by species, later ones by row.
template <class Real, class Species>
struct InitialCoefficients {
  const Real* of_species;
  Species species;
  HWY_INLINE const Real* operator()(int row, int stride) const {
    return of_species + static_cast<std::ptrdiff_t>(species(row)) * stride;
  }
};
template <class Real>
struct FeatureCoefficients {
  const Real* rows;
  HWY_INLINE const Real* operator()(int row, int stride) const {
    return rows + static_cast<std::ptrdiff_t>(row) * stride;
  }
};

/// Per edge of a block; arrays have room for whole vectors.
template <class Real, class Radial>
struct EdgeScratch {
  typename Radial::Scratch prepared;
  simd::AlignedVector<Real> direction;  // [edges][4] d / r
  simd::AlignedVector<Real> radial;     // [edges][2][stride] R_k f_c and its derivative by r

  void fit(int edges, int stride) {
    const auto size = 4 * (static_cast<std::size_t>(edges) + EdgeBlock<Real>::padding);
    if (direction.size() >= size) return;
    const std::size_t grown = size / 4 + size / 8;
    prepared.resize(grown);
    direction.resize(4 * grown);
    radial.resize(2 * grown * stride);
  }
};

template <class Real>
HWY_INLINE void store_quads(const Pack<Real, 8>& x, const Pack<Real, 8>& y, const Pack<Real, 8>& z, Real* to) {
  const typename Pack<Real, 8>::Tag d;
  for (int i = 0; i < x.parts; ++i)
    hn::StoreInterleaved4(x.part[i], y.part[i], z.part[i], hn::Zero(d), d, to + 4 * i * x.vector_lanes);
}

/// What depends on the edge alone and not on the wave; directions only where `keep`.
template <bool keep, class Real, class Radial>
HWY_NOINLINE void edge_geometry(const EdgeBlock<Real>& edges, const Radial& radial, int stride,
                                EdgeScratch<Real, Radial>& scratch) {
  using P = Pack<Real, 8>;
  scratch.fit(edges.edges(), stride);
  const int count = edges.edges();
  const Real* HWY_RESTRICT xs = edges.x.data();
  const Real* HWY_RESTRICT ys = edges.y.data();
  const Real* HWY_RESTRICT zs = edges.z.data();
  Real* HWY_RESTRICT direction = scratch.direction.data();
  for (int e = 0; e < count; e += P::lanes) {
    const P x = load<P>(xs + e);
    const P y = load<P>(ys + e);
    const P z = load<P>(zs + e);
    const P r = square_root(mul_add(x, x, mul_add(y, y, z * z)));
    radial.prepare(r, e, scratch.prepared);
    if constexpr (keep) {
      const P inverse = broadcast<P>(Real(1)) / r;
      store_quads(x * inverse, y * inverse, z * inverse, direction + 4 * static_cast<std::ptrdiff_t>(e));
    }
  }
}

/// `order` and `fixed_stride` are known to the compiler; any_order and 0 stand for any.
template <class Real, int order, class Radial, int fixed_stride>
class EdgeKernels {
 public:
  using Scratch = EdgeScratch<Real, Radial>;

  EdgeKernels(const AngularBasis& basis, int stride) : shells_(basis), stride_(stride) {}

  /// b_i[p][k] = sum_j c_j[k] A_p(d_ij) R_k(r_ij) f_c(r_ij) -> density [centres][components][stride]. Where `keep`,
  /// radial functions and their derivatives are left in scratch for `gradients`.
  template <bool keep, class Species, class Coefficients>
  HWY_INLINE void density(const EdgeBlock<Real>& edges, const Radial& radial_functions, const Species species,
                          const Coefficients coefficients, Scratch& scratch, Real* HWY_RESTRICT density) const {
    const int size = shells_.size();
    const int stride = fixed_stride > 0 ? fixed_stride : stride_;
    const int* HWY_RESTRICT first = edges.first.data();
    const int* HWY_RESTRICT neighbour = edges.neighbour.data();
    const Real* HWY_RESTRICT x = edges.x.data();
    const Real* HWY_RESTRICT y = edges.y.data();
    const Real* HWY_RESTRICT z = edges.z.data();
    Real* HWY_RESTRICT radial_kept = scratch.radial.data();
    const auto radial = radial_functions.view(scratch.prepared);
    const int centres = edges.centres();
    for (int c = 0; c < centres; ++c)
      for (int v = 0; v < stride; v += 8) {
        W sums[Shells<Real, order>::fixed_size];
        shells_.clear(sums);
        const int end = first[c + 1];
        for (int e = first[c]; e < end; ++e) {
          const int j = neighbour[e];
          const RadialValue<Real> r = radial.template at<keep, fixed_stride>(species(j), e, v);
          if constexpr (keep) {
            Real* kept = radial_kept + static_cast<std::ptrdiff_t>(e) * (2 * stride) + v;
            store(r.value, kept);
            store(r.derivative, kept + stride);
          }
          shells_.add(r.value * load<W>(coefficients(j, stride) + v), x[e], y[e], z[e], sums);
        }
        shells_.write(sums, density + static_cast<std::ptrdiff_t>(c) * size * stride + v, stride);
      }
  }

  /// From dE/db [centres][components][stride]: dE/dd of every edge [edges][4], and where `with_coefficients` dE/dc_j,
  /// added to the rows of `coefficient_gradient`.
  template <bool with_coefficients, class Coefficients>
  HWY_INLINE void gradients(const EdgeBlock<Real>& edges, const Coefficients coefficients, const Scratch& scratch,
                            const Real* HWY_RESTRICT d_density, Real* HWY_RESTRICT coefficient_gradient,
                            Real* HWY_RESTRICT edge_gradient) const {
    using Four = Pack<Real, 4>;
    const int size = shells_.size();
    const int stride = fixed_stride > 0 ? fixed_stride : stride_;
    const int* HWY_RESTRICT first = edges.first.data();
    const int* HWY_RESTRICT neighbour = edges.neighbour.data();
    const Real* HWY_RESTRICT x = edges.x.data();
    const Real* HWY_RESTRICT y = edges.y.data();
    const Real* HWY_RESTRICT z = edges.z.data();
    const Real* HWY_RESTRICT radial_kept = scratch.radial.data();
    const Real* HWY_RESTRICT direction = scratch.direction.data();
    const int centres = edges.centres();
    for (int c = 0; c < centres; ++c)
      for (int v = 0; v < stride; v += 8) {
        W D[Shells<Real, order>::fixed_size];
        shells_.read(d_density + static_cast<std::ptrdiff_t>(c) * size * stride + v, stride, D);
        const int end = first[c + 1];
        for (int e = first[c]; e < end; ++e) {
          const int j = neighbour[e];
          const Contraction<Real> contraction = shells_.contract(D, x[e], y[e], z[e]);
          const W coefficient = load<W>(coefficients(j, stride) + v);
          const Real* kept = radial_kept + static_cast<std::ptrdiff_t>(e) * (2 * stride) + v;
          const W radial = load<W>(kept);
          if constexpr (with_coefficients) {
            Real* gradient = coefficient_gradient + static_cast<std::ptrdiff_t>(j) * stride + v;
            store(mul_add(contraction.value, radial, load<W>(gradient)), gradient);
          }
          const W w = coefficient * radial;
          const W along = contraction.value * coefficient * load<W>(kept + stride);
          const Four sums = sums_of_lanes(contraction.x * w, contraction.y * w, contraction.z * w, along);
          Real* to = edge_gradient + 4 * static_cast<std::ptrdiff_t>(e);
          Four gradient = mul_add(last_of_four(sums), load<Four>(direction + 4 * static_cast<std::ptrdiff_t>(e)), sums);
          if (v > 0) gradient = gradient + load<Four>(to);
          store(gradient, to);
        }
      }
  }

 private:
  using W = Waves<Real>;

  static HWY_INLINE Pack<Real, 4> last_of_four(const Pack<Real, 4>& values) {
    if constexpr (std::is_same_v<Real, float> && Pack<Real, 4>::parts == 1) {
      return {hn::Broadcast<3>(values.part[0])};
    } else {
      Real all[4];
      store(values, all);
      return broadcast<Pack<Real, 4>>(all[3]);
    }
  }

  Shells<Real, order> shells_;
  int stride_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
