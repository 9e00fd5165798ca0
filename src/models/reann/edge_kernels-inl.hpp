// What edges do: densities from neighbours, and gradients back to coefficients and edge vectors. Eight waves lie in the
// lanes; where there are more, the edges of a centre are gone through once for every eight.
#if defined(GRAPEVINE_REANN_EDGE_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_EDGE_KERNELS_INL
#undef GRAPEVINE_REANN_EDGE_KERNELS_INL
#else
#define GRAPEVINE_REANN_EDGE_KERNELS_INL
#endif

#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "engine/graph.hpp"
#include "models/reann/parameters.hpp"
#include "models/reann/shells-inl.hpp"
#include "simd/math-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Per edge of a block; arrays have room for whole vectors.
template <class Real>
struct EdgeScratch {
  std::vector<Real> distance;   // [edges] r, Angstrom
  std::vector<Real> cut;        // [edges] f_c(r)
  std::vector<Real> d_cut;      // [edges] df_c/dr
  std::vector<Real> direction;  // [edges][4] d / r
  std::vector<Real> radial;     // [edges][stride] R_k f_c
  std::vector<Real> d_radial;   // [edges][stride] its derivative by r

  void fit(int edges, int stride) {
    const auto size = static_cast<std::size_t>(edges) + EdgeBlock<Real>::padding;
    if (distance.size() >= size) return;
    const std::size_t grown = size + size / 2;
    distance.resize(grown);
    cut.resize(grown);
    d_cut.resize(grown);
    direction.resize(4 * grown);
    radial.resize(grown * stride);
    d_radial.resize(grown * stride);
  }
};

/// Where coefficients of neighbours come from: a row of features, or by species where all atoms of a species share one.
template <class Real>
struct CoefficientSource {
  const Real* rows;
  const int* row_of;  // null: the neighbour's own row
  int stride;

  HWY_INLINE const Real* of(int neighbour) const {
    return rows + static_cast<std::ptrdiff_t>(row_of != nullptr ? row_of[neighbour] : neighbour) * stride;
  }
};

template <class Real, class Shells>
class EdgeKernels {
 public:
  /// `exponent` and `centre` are [species][stride], padded by zeros.
  EdgeKernels(const AngularBasis& basis, double cutoff, int stride, std::vector<Real> exponent,
              std::vector<Real> centre)
      : shells_(basis),
        stride_(stride),
        frequency_(static_cast<Real>(std::numbers::pi / (2 * cutoff))),
        exponent_(std::move(exponent)),
        centre_(std::move(centre)) {}

  /// Distances, directions and the cutoff function f_c = cos^4(pi r / (2 rc)) of all edges.
  HWY_INLINE void geometry(const EdgeBlock<Real>& edges, EdgeScratch<Real>& scratch) const {
    using P = Pack<Real, 8>;
    scratch.fit(edges.edges(), stride_);
    const P frequency = broadcast<P>(frequency_);
    const P quarter = broadcast<P>(static_cast<Real>(std::numbers::pi / 2));
    for (int e = 0; e < edges.edges(); e += P::lanes) {
      const P x = load<P>(&edges.x[e]);
      const P y = load<P>(&edges.y[e]);
      const P z = load<P>(&edges.z[e]);
      const P r = square_root(mul_add(x, x, mul_add(y, y, z * z)));
      const P inverse = broadcast<P>(Real(1)) / r;
      P sine;
      P cosine;
      sine_cosine(neg_mul_add(frequency, r, quarter), sine, cosine);
      const P cube = sine * sine * sine;
      store(r, &scratch.distance[e]);
      store(cube * sine, &scratch.cut[e]);
      store(broadcast<P>(Real(-4)) * frequency * cube * cosine, &scratch.d_cut[e]);
      store_quads(x * inverse, y * inverse, z * inverse, &scratch.direction[4 * static_cast<std::size_t>(e)]);
    }
  }

  /// b_i[p][k] = sum_j c_j[k] A_p(d_ij) R_k(r_ij) f_c(r_ij) -> density [centres][components][stride]. Where `keep`,
  /// radial functions and their derivatives are left in scratch for `gradients`.
  template <bool keep>
  HWY_INLINE void density(const EdgeBlock<Real>& edges, const int* species, const CoefficientSource<Real>& coefficients,
                          EdgeScratch<Real>& scratch, Real* density) const {
    const int size = shells_.size();
    for (int c = 0; c < edges.centres(); ++c)
      for (int v = 0; v < stride_; v += 8) {
        W sums[Shells::fixed_size];
        for (int p = 0; p < size; ++p) sums[p] = zero<W>();
        for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
          const int j = edges.neighbour[e];
          const W radial = radial_function<keep>(species[j], e, v, scratch);
          const W w = radial * load<W>(coefficients.of(j) + v);
          shells_.add(w, edges.x[e], edges.y[e], edges.z[e], sums);
        }
        Real* row = density + static_cast<std::ptrdiff_t>(c) * size * stride_ + v;
        for (int p = 0; p < size; ++p) store(sums[p], row + static_cast<std::ptrdiff_t>(p) * stride_);
      }
  }

  /// From dE/db [centres][components][stride]: dE/dd of every edge [edges][4], and where `coefficient_gradient` is not
  /// null dE/dc_j, added to its rows.
  template <bool with_coefficients>
  HWY_INLINE void gradients(const EdgeBlock<Real>& edges, const CoefficientSource<Real>& coefficients,
                            const EdgeScratch<Real>& scratch, const Real* d_density, Real* coefficient_gradient,
                            Real* edge_gradient) const {
    using Four = Pack<Real, 4>;
    const int size = shells_.size();
    for (int c = 0; c < edges.centres(); ++c)
      for (int v = 0; v < stride_; v += 8) {
        W D[Shells::fixed_size];
        const Real* row = d_density + static_cast<std::ptrdiff_t>(c) * size * stride_ + v;
        for (int p = 0; p < size; ++p) D[p] = load<W>(row + static_cast<std::ptrdiff_t>(p) * stride_);
        for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
          const int j = edges.neighbour[e];
          const Contraction<Real> contraction = shells_.contract(D, edges.x[e], edges.y[e], edges.z[e]);
          const W coefficient = load<W>(coefficients.of(j) + v);
          const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(e) * stride_ + v;
          const W radial = load<W>(&scratch.radial[at]);
          if constexpr (with_coefficients) {
            Real* gradient = coefficient_gradient + static_cast<std::ptrdiff_t>(j) * stride_ + v;
            store(mul_add(contraction.value, radial, load<W>(gradient)), gradient);
          }
          const W w = coefficient * radial;
          const W along = contraction.value * coefficient * load<W>(&scratch.d_radial[at]);
          const Four sums =
              sums_of_lanes(contraction.x * w, contraction.y * w, contraction.z * w, along);
          const Four direction = load<Four>(&scratch.direction[4 * static_cast<std::ptrdiff_t>(e)]);
          Real* to = edge_gradient + 4 * static_cast<std::ptrdiff_t>(e);
          Four gradient = mul_add(last_of_four(sums), direction, sums);
          if (v > 0) gradient = gradient + load<Four>(to);
          store(gradient, to);
        }
      }
  }

 private:
  using W = Waves<Real>;

  template <bool keep>
  HWY_INLINE W radial_function(int species, int e, int v, EdgeScratch<Real>& scratch) const {
    const std::ptrdiff_t parameters = static_cast<std::ptrdiff_t>(species) * stride_ + v;
    const W exponent = load<W>(&exponent_[parameters]);
    const W off = broadcast<W>(scratch.distance[e]) - load<W>(&centre_[parameters]);
    const W slope = exponent * off;
    const W gaussian = exponential(slope * off);
    const W cut = broadcast<W>(scratch.cut[e]);
    const W radial = gaussian * cut;
    if constexpr (keep) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(e) * stride_ + v;
      store(radial, &scratch.radial[at]);
      store(mul_add(gaussian, broadcast<W>(scratch.d_cut[e]), (slope + slope) * radial), &scratch.d_radial[at]);
    }
    return radial;
  }

  static HWY_INLINE void store_quads(const Pack<Real, 8>& x, const Pack<Real, 8>& y, const Pack<Real, 8>& z, Real* to) {
    const typename Pack<Real, 8>::Tag d;
    for (int i = 0; i < x.parts; ++i)
      hn::StoreInterleaved4(x.part[i], y.part[i], z.part[i], hn::Zero(d), d, to + 4 * i * x.vector_lanes);
  }

  static HWY_INLINE Pack<Real, 4> last_of_four(const Pack<Real, 4>& values) {
    if constexpr (std::is_same_v<Real, float> && Pack<Real, 4>::parts == 1) {
      return {hn::Broadcast<3>(values.part[0])};
    } else {
      Real all[4];
      store(values, all);
      return broadcast<Pack<Real, 4>>(all[3]);
    }
  }

  Shells shells_;
  int stride_;
  Real frequency_;
  std::vector<Real> exponent_;
  std::vector<Real> centre_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
