// Densities of dual numbers and their Gram matrices: what of the gradients by weights is compiled for each shape.
#if defined(GRAPEVINE_REANN_DUAL_DENSITY_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_DUAL_DENSITY_INL
#undef GRAPEVINE_REANN_DUAL_DENSITY_INL
#else
#define GRAPEVINE_REANN_DUAL_DENSITY_INL
#endif

#include <memory>

#include "engine/graph.hpp"
#include "models/edge_changes.hpp"
#include "models/reann/gram-inl.hpp"
#include "models/reann/jet_density-inl.hpp"
#include "models/reann/radial-inl.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Edges of a block, how their vectors change, and radial functions, which are the same in every pass.
template <class Real>
struct EdgeTape {
  EdgeBlock<Real> edges;
  EdgeChanges<Real> change;
  simd::AlignedVector<Real> distance_change;  // [edges]
  simd::AlignedVector<Real> radial;           // [edges][2][stride] R_k f_c and its derivative by r
  typename ExactRadial<Real>::Scratch prepared;

  EdgeJets<Real, 1> jets() const {
    return {edges,
            {{{change.change(0, 0), change.change(0, 1), change.change(0, 2)}}},
            {distance_change.data()},
            radial.data()};
  }
};

/// Rows of atoms, neighbours among them, and sums that gradients are added to.
template <class Real>
struct DualNeighbours {
  const ExactRadial<Real>& radial;
  const int* species;          // [rows]
  const Real* initial;         // [species][stride] c^(0)
  const Dual<Real>* features;  // [rows][stride] c^(t), null in the first pass
  Real* radial_sums;           // [species][2][stride] of u (r - rs)^2 and u (r - rs), u = dE/dR_k R_k
  Real* initial_sums;          // [species][stride]
  Dual<Real>* feature_sums;    // [rows][stride], null in the first pass

  JetNeighbours<Real, 1> jets() const { return {species, initial, features}; }
};

template <class Real>
class DualDensityKernels {
 public:
  using D = Dual<Real>;
  virtual ~DualDensityKernels() = default;

  /// b -> density [centres][components][stride]
  virtual void sum(const EdgeTape<Real>& tape, const DualNeighbours<Real>& neighbours, D* density) const = 0;

  /// From dE/db [centres][components][stride] to the sums of neighbours.
  virtual void edge_gradients(const EdgeTape<Real>& tape, const DualNeighbours<Real>& neighbours,
                              const D* d_density) const = 0;

  /// density [components][stride][lanes] -> gram [entries][lanes]
  virtual void gram(const D* density, D* gram) const = 0;
  virtual void gram_backward(const D* density, const D* d_gram, D* d_density) const = 0;
};

template <class Real, int order, int fixed_stride>
class ShapedDualDensityKernels final : public DualDensityKernels<Real> {
  using D = Dual<Real>;
  using W = Waves<Real>;
  using WD = Waves<D>;

 public:
  explicit ShapedDualDensityKernels(const Parameters& parameters)
      : basis_(parameters.max_order),
        density_(basis_, padded(parameters.waves)),
        gram_(basis_, parameters.waves, padded(parameters.waves)) {}

  void sum(const EdgeTape<Real>& tape, const DualNeighbours<Real>& neighbours, D* density) const override {
    if (neighbours.features == nullptr)
      density_.template sum<true>(tape.jets(), neighbours.jets(), density);
    else
      density_.template sum<false>(tape.jets(), neighbours.jets(), density);
  }

  void edge_gradients(const EdgeTape<Real>& tape, const DualNeighbours<Real>& neighbours,
                      const D* d_density) const override {
    if (neighbours.features == nullptr)
      add_edge_gradients<true>(tape, neighbours, d_density);
    else
      add_edge_gradients<false>(tape, neighbours, d_density);
  }

  void gram(const D* density, D* gram) const override { gram_.forward(density, gram); }
  void gram_backward(const D* density, const D* d_gram, D* d_density) const override {
    gram_.backward(density, d_gram, d_density);
  }

 private:
  HWY_INLINE int stride() const { return density_.stride(); }
  HWY_INLINE std::ptrdiff_t row(int atom) const { return density_.row(atom); }

  template <bool first>
  HWY_NOINLINE void add_edge_gradients(const EdgeTape<Real>& tape, const DualNeighbours<Real>& neighbours,
                                       const D* d_density) const {
    const EdgeBlock<Real>& edges = tape.edges;
    const EdgeJets<Real, 1> jets = tape.jets();
    const JetNeighbours<Real, 1> neighbour_jets = neighbours.jets();
    const Shells<D, order>& shells = density_.shells();
    const int size = shells.size();
    for (int c = 0; c < edges.centres(); ++c)
      for (int v = 0; v < stride(); v += 8) {
        WD slope[Shells<D, order>::fixed_size];
        shells.read(d_density + row(c) * size + v, stride(), slope);
        for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
          const int j = edges.neighbour[e];
          const int species = neighbours.species[j];
          const auto d = jets.vector(e);
          const WD value = shells.value(slope, d[0], d[1], d[2]) * density_.radial(jets, e, v);
          if constexpr (first) {
            Real* gradient = neighbours.initial_sums + row(species) + v;
            store(load<W>(gradient) + value.change[0], gradient);
          } else {
            D* gradient = neighbours.feature_sums + row(j) + v;
            store(load<WD>(gradient) + value, gradient);
          }
          add_radial(tape, neighbours, species, e, v,
                     density_.template times_coefficient<first>(jets, neighbour_jets, e, v, value));
        }
      }
  }

  HWY_INLINE void add_radial(const EdgeTape<Real>& tape, const DualNeighbours<Real>& neighbours, int species, int e,
                             int v, const WD& u) const {
    const W off = broadcast<W>(tape.prepared.distance[e]) - load<W>(neighbours.radial.centres(species) + v);
    const W by_off = mul_add(u.change[0], off, u.value * broadcast<W>(tape.distance_change[e]));
    const W by_square = mul_add(by_off, off, u.value * off * broadcast<W>(tape.distance_change[e]));
    Real* sum = neighbours.radial_sums + 2 * row(species) + v;
    store(load<W>(sum) + by_square, sum);
    store(load<W>(sum + stride()) + by_off, sum + stride());
  }

  AngularBasis basis_;
  JetDensity<Real, 1, order, fixed_stride> density_;
  GramKernel<D, fixed_stride, order> gram_;
};

template <class Real>
std::unique_ptr<const DualDensityKernels<Real>> make_dual_density_kernels(const Parameters& p) {
  const bool narrow = padded(p.waves) == 8;
  if (p.max_order == 2 && narrow) return std::make_unique<ShapedDualDensityKernels<Real, 2, 8>>(p);
#ifndef GRAPEVINE_FEW_SHAPES
  if (p.max_order == 2) return std::make_unique<ShapedDualDensityKernels<Real, 2, 0>>(p);
  if (p.max_order == 3 && narrow) return std::make_unique<ShapedDualDensityKernels<Real, 3, 8>>(p);
  if (p.max_order == 3) return std::make_unique<ShapedDualDensityKernels<Real, 3, 0>>(p);
#endif
  return std::make_unique<ShapedDualDensityKernels<Real, any_order, 0>>(p);
}

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
