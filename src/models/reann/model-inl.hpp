// The REANN model, compiled once for every instruction set and scalar type.
#if defined(GRAPEVINE_REANN_MODEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_MODEL_INL
#undef GRAPEVINE_REANN_MODEL_INL
#else
#define GRAPEVINE_REANN_MODEL_INL
#endif

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/model.hpp"
#include "models/reann/angular.hpp"
#include "models/reann/density-inl.hpp"
#include "models/reann/fuse.hpp"
#include "models/reann/network-inl.hpp"
#include "models/reann/parameters.hpp"
#include "models/reann/radial-inl.hpp"
#include "models/reann/tangent_pass-inl.hpp"
#include "simd/aligned_vector.hpp"
#include "simd/transpose-inl.hpp"
#include "threads/shares.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// REANN as a layered model. The features x_t of the engine are the orbital coefficients c^(t), K numbers per atom.
///
/// With b_i[p][k] = sum_j c_j[k] A_p(d_ij) R_k(r_ij) f_c(r_ij) the density is linear in the Gram matrices
/// G_l[k][k'] = sum_{p of order l} b[p][k] b[p][k'], so that mixing, square and the first linear map of the network
/// behind them are one matrix, applied to the (L + 1) K (K + 1) / 2 distinct entries of G.
///
/// Nothing but features is kept between passes: each backward pass forms the densities of its block again, and what
/// enters the network.
template <class Real, class Radial>
class ReannModel final : public Model<Real> {
 public:
  /// The parameters must have passed check().
  ReannModel(const Parameters& parameters, Radial radial)
      : basis_(parameters.max_order),
        cutoff_(parameters.cutoff),
        waves_(parameters.waves),
        stride_(padded(parameters.waves)),
        one_species_(parameters.species.size() == 1),
        layers_(parameters.layers),
        radial_(std::move(radial)),
        density_(make_density_kernels<Real, Radial>(parameters)),
        tangents_(parameters, block_atoms),
        initial_coefficient_(pad_rows<Real>(parameters.initial_coefficient, waves_, stride_)),
        energy_shift_(parameters.energy_shift) {
    for (int t = 0; t <= layers_; ++t) {
      std::vector<AtomKernel>& kernels = kernels_.emplace_back();
      for (const Network& network : t < layers_ ? parameters.message[t] : parameters.readout)
        kernels.push_back({LinearKernel<Real>(gram_size(waves_, parameters.max_order), network.input.outputs,
                                              fuse_with_mixing(parameters, t, network.input), network.input.bias),
                           NetworkKernel<Real>(network)});
    }
  }

  /// Takes the numbers of parameters of the same sizes; `fused(t, species)` is the first linear map of a network after
  /// fusing with the mixing, as [outputs][Gram entries]. Networks are shared out to `threads`.
  template <class Fused>
  void assign(const Parameters& parameters, int threads, const Fused& fused) {
    radial_.assign(parameters);
    initial_coefficient_ = pad_rows<Real>(parameters.initial_coefficient, waves_, stride_);
    energy_shift_ = parameters.energy_shift;
    const std::size_t species = parameters.species.size();
    run_each(threads, (static_cast<std::size_t>(layers_) + 1) * species, [&](std::size_t n) HWY_ATTR {
      const int t = static_cast<int>(n / species);
      const int s = static_cast<int>(n % species);
      const Network& network = t < layers_ ? parameters.message[t][s] : parameters.readout[s];
      kernels_[t][s].fused.assign(fused(t, s), network.input.bias);
      kernels_[t][s].network.assign(network);
    });
  }

  /// What turns one species' Gram matrices into c^(t+1) - c^(t) or into an energy.
  struct AtomKernel {
    LinearKernel<Real> fused;  // Gram entries -> first hidden layer
    NetworkKernel<Real> network;
  };

  int waves() const { return waves_; }
  const AtomKernel& kernel(int t, int species) const { return kernels_[t][species]; }
  const std::vector<Real>& initial_coefficient() const { return initial_coefficient_; }
  const Radial& radial() const { return radial_; }

  double cutoff() const override { return cutoff_; }
  int layers() const override { return layers_; }
  int width(int) const override { return waves_; }
  int stride(int) const override { return stride_; }
  int state_width(int) const override { return 0; }
  bool gives_edge_gradient(int) const override { return true; }
  int block_size() const override { return block_atoms; }

  std::unique_ptr<Workspace> make_workspace() const override {
    constexpr std::size_t n = lanes<Real>;
    auto scratch = std::make_unique<Scratch>();
    std::size_t widest = static_cast<std::size_t>(stride_);
    std::size_t gram = 0;
    std::size_t tape = 0;
    for (const auto& kernels : kernels_)
      for (const AtomKernel& kernel : kernels) {
        widest = std::max<std::size_t>({widest, static_cast<std::size_t>(kernel.network.widest()),
                                        static_cast<std::size_t>(kernel.fused.matrix.padded_rows())});
        gram = std::max<std::size_t>(gram, static_cast<std::size_t>(kernel.fused.transposed.padded_rows()));
        tape = std::max(tape, kernel.network.tape_size());
      }
    const auto components = static_cast<std::size_t>(basis_.size());
    scratch->densities.assign(block_atoms * components * stride_, Real(0));
    scratch->density.resize(components * stride_ * n);
    scratch->d_density.resize(components * stride_ * n);
    scratch->gram.resize(gram * n);
    scratch->hidden.assign(widest * n, Real(0));
    scratch->output.assign(widest * n, Real(0));
    scratch->tape.resize(tape);
    scratch->network.resize(2 * widest * n);
    scratch->rows.resize(n * static_cast<std::size_t>(stride_));
    return scratch;
  }

  void forward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const AtomKernel& kernel = kernels_[t][block.edges.species];
    sum_density<false>(t, block, scratch);
    for_each_group(block, scratch, [&](std::span<const int> atoms, Real* densities) HWY_ATTR {
      load_density(atoms, densities, scratch);
      compute_hidden(kernel, scratch);
      run_network<false>(kernel, scratch);
      write_features(t, block, atoms, scratch);
    });
  }

  void readout(const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const AtomKernel& kernel = kernels_[layers_][block.edges.species];
    const double shift = energy_shift_[block.edges.species];
    double* energy = block.energy;
    sum_density<true>(layers_, block, scratch);
    for_each_group(block, scratch, [&](std::span<const int> atoms, Real* densities) HWY_ATTR {
      load_density(atoms, densities, scratch);
      compute_hidden(kernel, scratch);
      run_network<true>(kernel, scratch);
      for (std::size_t lane = 0; lane < atoms.size(); ++lane)
        *energy++ = static_cast<double>(scratch.output[lane]) + shift;
      store(broadcast<Row<Real>>(Real(1)), scratch.output.data());
      compute_density_gradients(kernel, densities, scratch);
    });
    edge_gradients(layers_, block, scratch);
  }

  void backward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const AtomKernel& kernel = kernels_[t][block.edges.species];
    sum_density<true>(t, block, scratch);
    for_each_group(block, scratch, [&](std::span<const int> atoms, Real* densities) HWY_ATTR {
      load_density(atoms, densities, scratch);
      compute_hidden(kernel, scratch);
      run_network<true>(kernel, scratch);
      take_feature_gradients(t, block, atoms, scratch);
      compute_density_gradients(kernel, densities, scratch);
    });
    edge_gradients(t, block, scratch);
  }

  void forward_with_tangents(int t, const TangentBlock<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace).tangents;
    const int species = block.edges.species;
    const Real* features = t > 0 ? block.features[t] : nullptr;
    tangents_.run(
        block, radial_, initial_coefficient_.data(), features, kernels_[t][species], scratch,
        [&](std::span<const int> atoms, std::size_t first) HWY_ATTR {
          if (t < layers_)
            return tangents_.write_features(atoms, &initial_coefficient_[static_cast<std::size_t>(species) * stride_],
                                            features, block.features[t + 1], scratch);
          for (std::size_t lane = 0; lane < atoms.size(); ++lane)
            tangents_.write_energy(lane, energy_shift_[species], scratch, block.energy + jet_size * (first + lane));
        });
  }

 private:
  static constexpr int block_atoms = 16;

  struct Scratch final : Workspace {
    EdgeScratch<Real, Radial> edges;
    simd::AlignedVector<Real> densities;  // [centres][components][stride] b of a block, then dE/db
    simd::AlignedVector<Real> density;    // [components][stride][lanes] b of a group
    simd::AlignedVector<Real> d_density;  // the same
    simd::AlignedVector<Real> gram;       // [gram][lanes]
    simd::AlignedVector<Real> hidden;     // [widest][lanes]
    simd::AlignedVector<Real> output;     // [outputs][lanes]
    simd::AlignedVector<Real> tape;
    simd::AlignedVector<Real> network;
    simd::AlignedVector<Real> rows;  // [lanes][stride]
    typename TangentPass<Real, Radial>::Scratch tangents;
  };

  Neighbours<Real> neighbours(int t, const Block<Real>& block) const {
    return {one_species_ ? nullptr : block.species.data(), initial_coefficient_.data(),
            t > 0 ? block.features[t] : nullptr};
  }

  template <bool keep>
  void sum_density(int t, const Block<Real>& block, Scratch& scratch) const {
    edge_geometry<keep>(block.edges, radial_, stride_, scratch.edges);
    density_->sum(keep, block.edges, radial_, neighbours(t, block), scratch.edges, scratch.densities.data());
  }

  void edge_gradients(int t, const Block<Real>& block, Scratch& scratch) const {
    density_->edge_gradients(block.edges, neighbours(t, block), scratch.edges, scratch.densities.data(),
                             block.gradients[t], block.edge_gradient);
  }

  /// Calls function(atoms, their rows of scratch.densities) for as many centres at a time as there are lanes.
  template <class Function>
  HWY_INLINE void for_each_group(const Block<Real>& block, Scratch& scratch, const Function& function) const {
    const std::span<const int> centres = block.edges.centre;
    for (std::size_t begin = 0; begin < centres.size(); begin += lanes<Real>)
      function(centres.subspan(begin, std::min<std::size_t>(lanes<Real>, centres.size() - begin)),
               scratch.densities.data() + begin * basis_.size() * stride_);
  }

  HWY_INLINE void load_density(std::span<const int> atoms, Real* densities, Scratch& scratch) const {
    const int row = basis_.size() * stride_;
    std::fill(densities + atoms.size() * row, densities + static_cast<std::size_t>(lanes<Real> * row), Real(0));
    transpose(lanes<Real>, row, densities, row, scratch.density.data(), lanes<Real>);
  }

  HWY_INLINE void compute_hidden(const AtomKernel& kernel, Scratch& scratch) const {
    density_->gram(scratch.density.data(), scratch.gram.data());
    kernel.fused.matrix.multiply(scratch.gram.data(), scratch.hidden.data());
  }

  /// From scratch.hidden to scratch.output; where `keep`, scratch has what the backward direction needs.
  template <bool keep>
  HWY_INLINE void run_network(const AtomKernel& kernel, Scratch& scratch) const {
    kernel.network.template forward<keep>(scratch.hidden.data(), scratch.output.data(), scratch.tape.data(),
                                          scratch.network.data());
  }

  /// From dE/d(output) in scratch.output to dE/db in place of the densities.
  HWY_INLINE void compute_density_gradients(const AtomKernel& kernel, Real* densities, Scratch& scratch) const {
    const int row = basis_.size() * stride_;
    kernel.network.backward(scratch.output.data(), scratch.hidden.data(), scratch.tape.data(), scratch.network.data());
    kernel.fused.transposed.multiply(scratch.hidden.data(), scratch.gram.data());
    density_->gram_backward(scratch.density.data(), scratch.gram.data(), scratch.d_density.data());
    transpose(row, lanes<Real>, scratch.d_density.data(), lanes<Real>, densities, row);
  }

  /// c^(t+1) = c^(t) + network
  HWY_INLINE void write_features(int t, const Block<Real>& block, std::span<const int> atoms, Scratch& scratch) const {
    for (int k = waves_; k < stride_; ++k) store(zero<Row<Real>>(), &scratch.output[k * lanes<Real>]);
    transpose(stride_, lanes<Real>, scratch.output.data(), lanes<Real>, scratch.rows.data(), stride_);
    const Real* change = scratch.rows.data();
    for (const int atom : atoms) {
      const Real* from = t == 0 ? &initial_coefficient_[static_cast<std::size_t>(block.edges.species) * stride_]
                                : block.features[t] + static_cast<std::ptrdiff_t>(atom) * stride_;
      Real* to = block.features[t + 1] + static_cast<std::ptrdiff_t>(atom) * stride_;
      for (int v = 0; v < stride_; v += 8) store(load<Waves<Real>>(from + v) + load<Waves<Real>>(change + v), to + v);
      change += stride_;
    }
  }

  /// Puts dE/dc^(t+1) into scratch.output; c^(t+1) = c^(t) + network, so that c^(t) gets the same gradient directly.
  HWY_INLINE void take_feature_gradients(int t, const Block<Real>& block, std::span<const int> atoms,
                                         Scratch& scratch) const {
    Real* row = scratch.rows.data();
    for (const int atom : atoms) {
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(atom) * stride_;
      for (int v = 0; v < stride_; v += 8) {
        const auto gradient = load<Waves<Real>>(block.gradients[t + 1] + at + v);
        store(gradient, row + v);
        if (t > 0) {
          Real* to = block.gradients[t] + at + v;
          store(load<Waves<Real>>(to) + gradient, to);
        }
      }
      row += stride_;
    }
    transpose(lanes<Real>, stride_, scratch.rows.data(), stride_, scratch.output.data(), lanes<Real>);
  }

  AngularBasis basis_;
  double cutoff_;
  int waves_;
  int stride_;  // waves padded to whole packs; the padding is zero throughout
  bool one_species_;
  int layers_;
  Radial radial_;
  DensityKernelsPointer<Real, Radial> density_;
  TangentPass<Real, Radial> tangents_;
  std::vector<Real> initial_coefficient_;         // [species][stride]
  std::vector<std::vector<AtomKernel>> kernels_;  // [T + 1][species], the last is the readout
  std::vector<double> energy_shift_;              // [species]
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
