// The forward direction of REANN with tangents.
#if defined(GRAPEVINE_REANN_TANGENT_PASS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_TANGENT_PASS_INL
#undef GRAPEVINE_REANN_TANGENT_PASS_INL
#else
#define GRAPEVINE_REANN_TANGENT_PASS_INL
#endif

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "engine/tangents.hpp"
#include "models/reann/jet_density-inl.hpp"
#include "models/reann/network-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// One pass of a model with tangents: from edges and c^(t) to c^(t+1) or energies. Rows of features are [stride]
/// numbers with their changes, in packs of waves.
template <class Real, class Radial>
class TangentPass {
  static constexpr int K = tangent_count;
  using J = Jet<Real, K>;

 public:
  TangentPass(const Parameters& parameters, int block_atoms)
      : components_(AngularBasis(parameters.max_order).size()),
        waves_(parameters.waves),
        stride_(padded(parameters.waves)),
        block_atoms_(block_atoms),
        density_(make_tangent_density_kernels<Real>(parameters)) {}

  /// Grows when it is used.
  struct Scratch {
    typename Radial::Scratch prepared;
    simd::AlignedVector<Real> distance;  // [K][edges]
    simd::AlignedVector<Real> radial;    // [edges][2][stride]
    simd::AlignedVector<J> densities;    // [centres][components][stride]
    simd::AlignedVector<J> density;      // [components][stride][lanes]
    simd::AlignedVector<J> gram, hidden, output, network;
    simd::AlignedVector<J> rows;  // [lanes][stride]
  };

  /// Calls finish(atoms, first of them in the block) for as many centres at a time as there are lanes, with the output
  /// of their network in scratch.output. `features` is null in the first pass.
  template <class AtomKernel, class Finish>
  HWY_INLINE void run(const TangentBlock<Real>& block, const Radial& radial, const Real* initial, const Real* features,
                      const AtomKernel& kernel, Scratch& scratch, const Finish& finish) const {
    fit(kernel, scratch);
    const EdgeJets<Real, K> jets = prepare(block, radial, scratch);
    density_->sum(jets, {block.species.data(), initial, reinterpret_cast<const J*>(features)},
                  scratch.densities.data());
    const std::span<const int> centres = block.edges.centre;
    const int row = components_ * stride_;
    std::fill(scratch.densities.begin() + static_cast<std::ptrdiff_t>(centres.size()) * row, scratch.densities.end(),
              J(Real(0)));
    for (std::size_t begin = 0; begin < centres.size(); begin += lanes<Real>) {
      waves_to_atoms(row, scratch.densities.data() + static_cast<std::ptrdiff_t>(begin) * row, scratch.density.data());
      density_->gram(scratch.density.data(), scratch.gram.data());
      kernel.fused.matrix.multiply(scratch.gram.data(), scratch.hidden.data());
      kernel.network.template forward<false>(scratch.hidden.data(), scratch.output.data(), nullptr,
                                             scratch.network.data());
      finish(centres.subspan(begin, std::min<std::size_t>(lanes<Real>, centres.size() - begin)), begin);
    }
  }

  /// c^(t+1) = c^(t) + network
  HWY_INLINE void write_features(std::span<const int> atoms, const Real* initial, const Real* before, Real* after,
                                 Scratch& scratch) const {
    using W = Waves<Real>;
    using WJ = Waves<J>;
    for (int k = waves_; k < stride_; ++k) store(zero<Row<J>>(), &scratch.output[k * lanes<Real>]);
    atoms_to_waves(stride_, scratch.output.data(), scratch.rows.data());
    const J* change = scratch.rows.data();
    for (const int atom : atoms) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(atom) * stride_;
      for (int v = 0; v < stride_; v += 8) {
        const WJ c = load<WJ>(change + v);
        J* to = reinterpret_cast<J*>(after) + at + v;
        if (before == nullptr)
          store(load<W>(initial + v) + c, to);
        else
          store(load<WJ>(reinterpret_cast<const J*>(before) + at + v) + c, to);
      }
      change += stride_;
    }
  }

  /// The network's first output of lane `lane`, plus `shift`, with its tangents.
  HWY_INLINE void write_energy(std::size_t lane, double shift, const Scratch& scratch, double* energy) const {
    const Real* numbers = reinterpret_cast<const Real*>(scratch.output.data()) + lane;
    for (int part = 0; part <= K; ++part) energy[part] = static_cast<double>(numbers[part * lanes<Real>]);
    energy[0] += shift;
  }

 private:
  template <class AtomKernel>
  void fit(const AtomKernel& kernel, Scratch& scratch) const {
    const auto row = static_cast<std::size_t>(components_ * stride_);
    const auto grow = [](auto& numbers, std::size_t size) {
      if (numbers.size() < size) numbers.resize(size, J(Real(0)));
    };
    grow(scratch.densities, row * static_cast<std::size_t>(block_atoms_));
    grow(scratch.density, row * lanes<Real>);
    grow(scratch.rows, static_cast<std::size_t>(stride_ * lanes<Real>));
    grow(scratch.gram, static_cast<std::size_t>(kernel.fused.inputs() * lanes<Real>));
    const auto widest = static_cast<std::size_t>(
        std::max({stride_, kernel.network.widest(), kernel.fused.matrix.padded_rows()}) * lanes<Real>);
    grow(scratch.hidden, widest);
    grow(scratch.output, widest);
    grow(scratch.network, 2 * widest);
  }

  EdgeJets<Real, K> prepare(const TangentBlock<Real>& block, const Radial& radial, Scratch& scratch) const {
    const EdgeBlock<Real>& edges = block.edges;
    const std::size_t size = static_cast<std::size_t>(edges.edges()) + EdgeBlock<Real>::padding;
    if (scratch.distance.size() < K * size) {
      scratch.prepared.resize(size);
      scratch.distance.resize(K * size);
      scratch.radial.resize(2 * size * static_cast<std::size_t>(stride_));
    }
    EdgeJets<Real, K> jets{edges, {}, {}, scratch.radial.data()};
    std::array<Real*, K> distance;
    for (std::size_t k = 0; k < K; ++k) {
      for (int axis = 0; axis < 3; ++axis) jets.change[k][axis] = block.tangents.change(static_cast<int>(k), axis);
      jets.distance[k] = distance[k] = scratch.distance.data() + k * size;
    }
    prepare_distances<Real, Radial, K>(edges, jets.change, radial, scratch.prepared, distance);
    radial_functions(edges, radial, scratch.prepared, block.species.data(), stride_, scratch.radial.data());
    return jets;
  }

  int components_;
  int waves_;
  int stride_;
  int block_atoms_;
  std::unique_ptr<const TangentDensityKernels<Real>> density_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
