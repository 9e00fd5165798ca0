// Densities of numbers with changes in K directions, and what prepares and rearranges them.
#if defined(GRAPEVINE_REANN_JET_DENSITY_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_JET_DENSITY_INL
#undef GRAPEVINE_REANN_JET_DENSITY_INL
#else
#define GRAPEVINE_REANN_JET_DENSITY_INL
#endif

#include <array>
#include <memory>

#include "engine/graph.hpp"
#include "engine/tangents.hpp"
#include "models/reann/gram-inl.hpp"
#include "models/reann/radial-inl.hpp"
#include "models/reann/shells-inl.hpp"
#include "simd/aligned_vector.hpp"
#include "simd/transpose-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// The edges of a block, how they change in K directions, and their radial functions.
template <class Real, int K>
struct EdgeJets {
  const EdgeBlock<Real>& edges;
  std::array<std::array<const Real*, 3>, K> change;  // [edges] of the components of d
  std::array<const Real*, K> distance;               // [edges] of |d|
  const Real* radial;                                // [edges][2][stride] R_k f_c and its derivative by r

  HWY_INLINE std::array<Jet<Real, K>, 3> vector(int e) const {
    std::array<Jet<Real, K>, 3> d{Jet<Real, K>(edges.x[e]), Jet<Real, K>(edges.y[e]), Jet<Real, K>(edges.z[e])};
    for (int k = 0; k < K; ++k)
      for (int axis = 0; axis < 3; ++axis) d[axis].change[k] = change[k][axis][e];
    return d;
  }
};

/// Rows of atoms, neighbours among them.
template <class Real, int K>
struct JetNeighbours {
  const int* species;            // [rows]
  const Real* initial;           // [species][stride] c^(0)
  const Jet<Real, K>* features;  // [rows][stride] c^(t), null in the first pass
};

template <class Real, int K, int order, int fixed_stride>
class JetDensity {
  using J = Jet<Real, K>;
  using W = Waves<Real>;
  using WJ = Waves<J>;

 public:
  JetDensity(const AngularBasis& basis, int stride) : stride_(stride), shells_(basis) {}

  HWY_INLINE int stride() const { return fixed_stride > 0 ? fixed_stride : stride_; }
  HWY_INLINE std::ptrdiff_t row(int atom) const { return static_cast<std::ptrdiff_t>(atom) * stride(); }
  HWY_INLINE const Shells<J, order>& shells() const { return shells_; }

  /// R_k f_c of an edge.
  HWY_INLINE WJ radial(const EdgeJets<Real, K>& jets, int e, int v) const {
    const Real* from = jets.radial + static_cast<std::ptrdiff_t>(2 * stride()) * e + v;
    const W slope = load<W>(from + stride());
    return make_jet<WJ>(load<W>(from), [&](int k) HWY_ATTR { return slope * broadcast<W>(jets.distance[k][e]); });
  }

  /// The product with c of the neighbour at the far end of edge e, waves v .. v + 7.
  template <bool first>
  HWY_INLINE WJ times_coefficient(const EdgeJets<Real, K>& jets, const JetNeighbours<Real, K>& neighbours, int e, int v,
                                  const WJ& factor) const {
    const int j = jets.edges.neighbour[e];
    if constexpr (first) {
      return load<W>(neighbours.initial + row(neighbours.species[j]) + v) * factor;
    } else {
      WJ coefficient = load<WJ>(neighbours.features + row(j) + v);
      if constexpr (K == tangent_count) see_along_edge(jets.edges, e, coefficient);
      return coefficient * factor;
    }
  }

  /// b -> density [centres][components][stride]
  template <bool first>
  HWY_NOINLINE void sum(const EdgeJets<Real, K>& jets, const JetNeighbours<Real, K>& neighbours, J* density) const {
    const EdgeBlock<Real>& edges = jets.edges;
    const int size = shells_.size();
    for (int c = 0; c < edges.centres(); ++c)
      for (int v = 0; v < stride(); v += 8) {
        WJ sum[Shells<J, order>::fixed_size];
        shells_.clear(sum);
        for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
          const auto d = jets.vector(e);
          const WJ w = times_coefficient<first>(jets, neighbours, e, v, radial(jets, e, v));
          shells_.add(w, d[0], d[1], d[2], sum);
        }
        shells_.write(sum, density + row(c) * size + v, stride());
      }
  }

 private:
  /// See TangentBlock.
  static HWY_INLINE void see_along_edge(const EdgeBlock<Real>& edges, int e, WJ& feature) {
    const Real d[3] = {edges.x[e], edges.y[e], edges.z[e]};
    for (int axis = 0; axis < 3; ++axis)
      feature.change[1 + axis] = mul_add(broadcast<W>(d[axis]), feature.change[0], feature.change[1 + axis]);
  }

  int stride_;
  Shells<J, order> shells_;
};

/// What radial functions need of all edges, and how |d| changes where d does: `changes` [K][edges].
template <class Real, class Radial, int K>
HWY_NOINLINE void prepare_distances(const EdgeBlock<Real>& edges,
                                    const std::array<std::array<const Real*, 3>, K>& vector_changes,
                                    const Radial& radial, typename Radial::Scratch& prepared,
                                    const std::array<Real*, K>& changes) {
  using P = Pack<Real, 8>;
  for (int e = 0; e < edges.edges(); e += P::lanes) {
    const P x = load<P>(&edges.x[e]);
    const P y = load<P>(&edges.y[e]);
    const P z = load<P>(&edges.z[e]);
    const P r = square_root(mul_add(x, x, mul_add(y, y, z * z)));
    radial.prepare(r, e, prepared);
    for (int k = 0; k < K; ++k) {
      const auto& d = vector_changes[k];
      const P along = mul_add(x, load<P>(d[0] + e), mul_add(y, load<P>(d[1] + e), z * load<P>(d[2] + e)));
      store(along / r, changes[k] + e);
    }
  }
}

/// Radial functions and their derivatives of all edges, which are prepared, as [edges][2][stride].
template <class Real, class Radial>
HWY_NOINLINE void radial_functions(const EdgeBlock<Real>& edges, const Radial& radial,
                                   const typename Radial::Scratch& prepared, const int* species, int stride, Real* to) {
  const auto view = radial.view(prepared);
  for (int e = 0; e < edges.edges(); ++e, to += 2 * stride)
    for (int v = 0; v < stride; v += 8) {
      const RadialValue<Real> value = view.template at<true, 0>(species[edges.neighbour[e]], e, v);
      store(value.value, to + v);
      store(value.derivative, to + stride + v);
    }
}

/// Rows of numbers with changes in packs of waves to rows in packs of atoms, and back; `columns` is a multiple of
/// eight.
template <class Real, int K>
HWY_NOINLINE void waves_to_atoms(int columns, const Jet<Real, K>* from, Jet<Real, K>* to) {
  constexpr int n = lanes<Real>;
  constexpr int parts = 1 + K;
  const Real* numbers = reinterpret_cast<const Real*>(from);
  Real* results = reinterpret_cast<Real*>(to);
  for (int c = 0; c < columns; c += 8)
    for (int part = 0; part < parts; ++part)
      transpose(n, 8, numbers + parts * c + 8 * part, parts * columns, results + parts * c * n + part * n, parts * n);
}
template <class Real, int K>
HWY_NOINLINE void atoms_to_waves(int columns, const Jet<Real, K>* from, Jet<Real, K>* to) {
  constexpr int n = lanes<Real>;
  constexpr int parts = 1 + K;
  const Real* numbers = reinterpret_cast<const Real*>(from);
  Real* results = reinterpret_cast<Real*>(to);
  for (int c = 0; c < columns; c += 8)
    for (int part = 0; part < parts; ++part)
      transpose(8, n, numbers + parts * c * n + part * n, parts * n, results + parts * c + 8 * part, parts * columns);
}

/// What a pass with tangents needs that is compiled for each shape.
template <class Real>
class TangentDensityKernels {
 public:
  using J = Jet<Real, tangent_count>;
  virtual ~TangentDensityKernels() = default;

  /// b -> density [centres][components][stride]
  virtual void sum(const EdgeJets<Real, tangent_count>& jets, const JetNeighbours<Real, tangent_count>& neighbours,
                   J* density) const = 0;
  /// density [components][stride][lanes] -> gram [entries][lanes]
  virtual void gram(const J* density, J* gram) const = 0;
};

template <class Real, int order, int fixed_stride>
class ShapedTangentDensityKernels final : public TangentDensityKernels<Real> {
 public:
  using J = Jet<Real, tangent_count>;

  explicit ShapedTangentDensityKernels(const Parameters& parameters)
      : basis_(parameters.max_order),
        density_(basis_, padded(parameters.waves)),
        gram_(basis_, parameters.waves, padded(parameters.waves)) {}

  void sum(const EdgeJets<Real, tangent_count>& jets, const JetNeighbours<Real, tangent_count>& neighbours,
           J* density) const override {
    if (neighbours.features == nullptr)
      density_.template sum<true>(jets, neighbours, density);
    else
      density_.template sum<false>(jets, neighbours, density);
  }
  void gram(const J* density, J* gram) const override { gram_.forward(density, gram); }

 private:
  AngularBasis basis_;
  JetDensity<Real, tangent_count, order, fixed_stride> density_;
  GramKernel<J, fixed_stride, order> gram_;
};

template <class Real>
std::unique_ptr<const TangentDensityKernels<Real>> make_shaped_tangent_density_kernels(const Parameters& p) {
  const bool narrow = padded(p.waves) == 8;
  if (p.max_order == 2 && narrow) return std::make_unique<ShapedTangentDensityKernels<Real, 2, 8>>(p);
#ifndef GRAPEVINE_FEW_SHAPES
  if (p.max_order == 3 && narrow) return std::make_unique<ShapedTangentDensityKernels<Real, 3, 8>>(p);
#endif
  return std::make_unique<ShapedTangentDensityKernels<Real, any_order, 0>>(p);
}

/// The same, compiled in model_double.cpp and model_float.cpp alone.
template <class Real>
std::unique_ptr<const TangentDensityKernels<Real>> make_tangent_density_kernels(const Parameters& parameters);

template <>
std::unique_ptr<const TangentDensityKernels<double>> make_tangent_density_kernels(const Parameters& parameters);
template <>
std::unique_ptr<const TangentDensityKernels<float>> make_tangent_density_kernels(const Parameters& parameters);

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
