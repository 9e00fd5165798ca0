// The NequIP model, compiled once for every instruction set and scalar type.
#if defined(GRAPEVINE_NEQUIP_MODEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_MODEL_INL
#undef GRAPEVINE_NEQUIP_MODEL_INL
#else
#define GRAPEVINE_NEQUIP_MODEL_INL
#endif

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/model.hpp"
#include "models/equivariant/linear-inl.hpp"
#include "models/equivariant/radial-inl.hpp"
#include "models/equivariant/readout-inl.hpp"
#include "models/equivariant/zbl-inl.hpp"
#include "models/nequip/pass-inl.hpp"
#include "models/nequip/species_rows.hpp"
#include "threads/shares.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

using equivariant::Layout;
using namespace equivariant::HWY_NAMESPACE;

/// NequIP as a layered model. Pass t is interaction t. With x_t what enters it and z_t what enters its norm and gate,
/// the features that the engine exchanges before pass t are y_t = neighbour_scale mix_input_t( x_t ): what edges need,
/// and nothing else.
///
///   state[t]  z_t for own atoms from forward(t) on, since x_(t+1) = gate(norm(z_t)) and its slope are cheap; after
///             backward(t) dE/dx_t by way of the self connection, which is no business of other ranks.
///
/// y_0 and the self connection of x_0 follow from the species. With tangents, rows of features and states are followed
/// by those of their changes.
template <class Real, class Radial>
class NequipModel final : public Model<Real> {
 public:
  using Pass = NequipPass<Real, typename Radial::Weights>;

  /// The parameters must have passed check(). Kernels of training are there if `in_duals`.
  NequipModel(const std::shared_ptr<const Parameters>& parameters, Radial radial, bool in_duals = false)
      : cutoff_(parameters->cutoff()),
        radial_(std::move(radial)),
        stretch_(reals(distance_stretch(*parameters))),
        neighbour_scale_(reals(parameters->neighbour_scale)),
        in_duals_(in_duals),
        energy_scale_(parameters->energy_scale) {
    if (parameters->zbl) zbl_.emplace(*parameters->zbl, cutoff_, parameters->pair_cutoff);
    assign(parameters, 1);
  }

  /// Takes other weights, on up to `threads` threads; everything but the radial functions, which are a training's own.
  void assign(const std::shared_ptr<const Parameters>& parameters, int threads) {
    energy_shift_ = parameters->energy_shift;
    first_features_ = rows_of_species<Real>(*parameters);
    readout_.emplace(parameters->readout, parameters->readout_activation,
                     Layout(parameters->interactions.back().gate.outputs()));
    passes_.resize(parameters->interactions.size());
    run_each(threads, passes_.size(),
             [&](std::size_t t) HWY_ATTR { passes_[t] = std::make_unique<Pass>(parameters, t, in_duals_); });
  }

  const Pass& pass(int t) const { return *passes_[t]; }
  const Radial& radial() const { return radial_; }
  const std::vector<Real>& first_features() const { return first_features_; }

  template <class AnyBlock>
  void prepare_edges(int t, const AnyBlock& block, EdgeScratch<Real>& scratch, typename Radial::Scratch& radial) const {
    constexpr int K = directions<AnyBlock>;
    pass(t).edges.prepare_geometry(block.edges, changes(block), scratch);
    if (!stretch_.empty()) stretch<K>(block.edges, block.species, scratch.geometry);
    radial_.prepare(t, scratch.geometry, radial);
    pass(t).edges.template prepare_products<K>(t == 0, planes_of_pass<AnyBlock>(t), block.edges, block.species,
                                               scratch);
  }

  void scale_as_neighbours(int atoms, int species, const BlockFeatures<Real>& y) const {
    if (!neighbour_scale_.empty()) scale(atoms, neighbour_scale_[species], y);
  }

  double cutoff() const override { return cutoff_; }
  int layers() const override { return static_cast<int>(passes_.size()) - 1; }
  int width(int t) const override { return stride(t); }
  int stride(int t) const override { return static_cast<int>(pass(t).input().size()); }
  int state_width(int t) const override {
    const std::ptrdiff_t before_gate = t < layers() ? pass(t).before_gate.size() : 0;
    return static_cast<int>(std::max(before_gate, t > 0 ? pass(t).input().size() : 0));
  }
  bool gives_edge_gradient(int) const override { return true; }
  int block_size() const override { return Radial::block_atoms; }

  std::unique_ptr<Workspace> make_workspace() const override {
    auto scratch = std::make_unique<Scratch>();
    fit(static_cast<Buffers<0>&>(*scratch));
    return scratch;
  }

  void forward(int t, const Block<Real>& block, Workspace& workspace) const override {
    advance(t, block, static_cast<Scratch&>(workspace));
  }

  void readout(const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const int t = layers();
    const int atoms = block.edges.centres();
    energies(block, scratch);
    const BlockFeatures<Real> dx = scratch.dx.as(pass(t).output);
    clear(atoms, dx);
    readout_->add_gradient(atoms, scratch.readout, dx);
    scale(atoms, static_cast<Real>(energy_scale_[block.edges.species]), dx);
    propagate(t, block, dx, scratch);
  }

  void forward_with_tangents(int t, const TangentBlock<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    if (t < layers())
      advance(t, block, scratch);
    else
      energies(block, scratch);
  }

  void backward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const Pass& next = pass(t + 1);
    const std::span<const int> centres = block.edges.centre;
    const BlockFeatures<Real> dy = scratch.x.as(next.input());
    const BlockFeatures<Real> dx = scratch.dx.as(next.input());
    gather_rows(centres, block.gradients[t + 1], next.input().size(), dy);
    gather_rows(centres, block.state[t + 1], state_width(t + 1), dx);
    scale_as_neighbours(block.edges.centres(), block.edges.species, dy);
    next.mix_input.add_transposed(block.edges.centres(), dy, dx);
    gather_rows(centres, block.state[t], state_width(t), scratch.z.as(pass(t).before_gate));
    prepare_edges(t, block, scratch.edges, scratch.radial);
    propagate(t, block, dx, scratch);
  }

 private:
  static constexpr int block_atoms = Radial::block_atoms;

  /// Numbers of a block's atoms and their changes in K directions.
  template <int K>
  struct Buffers {
    using Buffer = BlockBuffer<Real, (1 + K) * block_atoms>;

    Buffer messages, z, normalised, dz, x, dx;
    simd::AlignedVector<Real> inverse_norm;  // [atoms]
    typename ReadoutKernel<Real>::Scratch readout;
  };

  struct Scratch final : Workspace, Buffers<0> {
    EdgeScratch<Real> edges;
    typename Radial::Scratch radial;
    typename ZblKernel<Real>::Scratch zbl;
    std::optional<Buffers<tangent_count>> with_tangents;  // made when first needed
  };

  template <int K>
  void fit(Buffers<K>& buffers) const {
    for (const std::unique_ptr<Pass>& pass : passes_) {
      buffers.messages.fit(pass->edges.messages());
      for (auto* buffer : {&buffers.z, &buffers.dz, &buffers.normalised}) buffer->fit(pass->before_gate);
      for (auto* buffer : {&buffers.x, &buffers.dx}) {
        buffer->fit(pass->input());
        buffer->fit(pass->output);
      }
    }
    buffers.inverse_norm.resize(block_atoms);
    buffers.readout = readout_->make_scratch((1 + K) * block_atoms);
  }

  template <int K>
  Buffers<K>& buffers_in(Scratch& scratch) const {
    if constexpr (K == 0) {
      return scratch;
    } else {
      if (!scratch.with_tangents) fit(scratch.with_tangents.emplace());
      return *scratch.with_tangents;
    }
  }

  static std::vector<Real> reals(const std::vector<double>& values) { return {values.begin(), values.end()}; }

  template <int K>
  void stretch(const EdgeBlock<Real>& edges, std::span<const int> species, EdgeGeometry<Real>& geometry) const {
    const Real* row = stretch_.data() + static_cast<std::size_t>(edges.species) * energy_scale_.size();
    geometry.stretch.assign(static_cast<std::size_t>(geometry.stride), Real(1));
    for (int e = 0; e < geometry.edges; ++e) geometry.stretch[e] = row[species[edges.neighbour[e]]];
    stretch_distances(1 + K, geometry);
  }

  /// x_(t+1) of the block's centres, in x of the buffers; leaves z_t in their z and the edges prepared.
  template <class AnyBlock>
  BlockFeatures<Real> update(int t, const AnyBlock& block, Scratch& scratch) const {
    constexpr int K = directions<AnyBlock>;
    Buffers<K>& buffers = buffers_in<K>(scratch);
    const Pass& pass = this->pass(t);
    const int atoms = block.edges.centres();
    const int species = block.edges.species;
    prepare_edges(t, block, scratch.edges, scratch.radial);
    const BlockFeatures<Real> messages = buffers.messages.as(pass.edges.messages());
    pass.edges.template sum<K>(
        block.edges, feature_rows(t, first_features_, block),
        [&](int path) { return radial_.weights(t, path, scratch.radial); }, scratch.edges, messages);
    const BlockFeatures<Real> z = buffers.z.as(pass.before_gate);
    if (pass.self_connection) {
      const Pass& before = this->pass(t - 1);
      const BlockFeatures<Real> z_before = buffers.dz.as(before.before_gate);
      gather_rows<K>(std::span<const int>(block.edges.centre), block.state[t - 1], state_width(t - 1), z_before);
      activate(before, atoms, z_before, buffers, buffers.x.as(pass.input()));
    }
    spread<K>(atoms, pass.bias[species].data(), z);
    pass.mix_messages.add((1 + K) * atoms, messages, z);
    if (pass.self_connection) pass.self_connection->of(species).add((1 + K) * atoms, buffers.x.as(pass.input()), z);
    const BlockFeatures<Real> x = buffers.x.as(pass.output);
    activate(pass, atoms, z, buffers, x);
    return x;
  }

  /// What pass t < T leaves for later: z_t and y_(t+1).
  template <class AnyBlock>
  void advance(int t, const AnyBlock& block, Scratch& scratch) const {
    constexpr int K = directions<AnyBlock>;
    Buffers<K>& buffers = buffers_in<K>(scratch);
    const BlockFeatures<Real> x = update(t, block, scratch);
    const std::span<const int> centres = block.edges.centre;
    const int atoms = block.edges.centres();
    scatter_rows<K>(centres, buffers.z.as(pass(t).before_gate), block.state[t], state_width(t));
    const Pass& next = pass(t + 1);
    const BlockFeatures<Real> y = buffers.dx.as(next.input());
    next.mix_input.template run<K>(atoms, x, y);
    scale_as_neighbours((1 + K) * atoms, block.edges.species, y);
    scatter_rows<K>(centres, y, block.features[t + 1], next.input().size());
  }

  template <class AnyBlock>
  void energies(const AnyBlock& block, Scratch& scratch) const {
    constexpr int K = directions<AnyBlock>;
    const int atoms = block.edges.centres();
    const int species = block.edges.species;
    const BlockFeatures<Real> x = update(layers(), block, scratch);
    readout_->template run<K>(atoms, x, buffers_in<K>(scratch).readout, block.energy);
    for (int n = 0; n < (1 + K) * atoms; ++n) block.energy[n] *= energy_scale_[species];
    for (int a = 0; a < atoms; ++a) block.energy[(1 + K) * a] += energy_shift_[species];
    if (zbl_) zbl_->template run<K>(block.edges, block.species, scratch.edges.geometry, scratch.zbl, block.energy);
  }

  /// x = gate( norm( z ) ); leaves norm( z ) in the buffers, if there is a norm.
  template <int K>
  static void activate(const Pass& pass, int atoms, const BlockFeatures<Real>& z, Buffers<K>& buffers,
                       const BlockFeatures<Real>& x) {
    pass.gate.template forward<K>(atoms, normalise(pass, atoms, z, buffers), x);
  }

  template <int K>
  static BlockFeatures<Real> normalise(const Pass& pass, int atoms, const BlockFeatures<Real>& z, Buffers<K>& buffers) {
    if (!pass.norm) return z;
    const BlockFeatures<Real> normalised = buffers.normalised.as(pass.before_gate);
    pass.norm->template forward<K>(atoms, z, normalised, buffers.inverse_norm.data());
    return normalised;
  }

  /// From dE/dx_(t+1) in dx, z_t in scratch.z and prepared edges: to dE/dx_t of the centres, dE/dy_t of their
  /// neighbours and dE/dd of their edges.
  void propagate(int t, const Block<Real>& block, const BlockFeatures<Real>& dx, Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    const int atoms = block.edges.centres();
    const BlockFeatures<Real> z = scratch.z.as(pass.before_gate);
    const BlockFeatures<Real> dz = scratch.dz.as(pass.before_gate);
    pass.gate.backward(atoms, normalise<0>(pass, atoms, z, scratch), dx, dz);
    if (pass.norm) pass.norm->backward(atoms, z, scratch.inverse_norm.data(), dz);
    if (t > 0) {
      const BlockFeatures<Real> dx_before = scratch.x.as(pass.input());
      clear(atoms, dx_before);
      if (pass.self_connection) pass.self_connection->of(block.edges.species).add_transposed(atoms, dz, dx_before);
      scatter_rows(std::span<const int>(block.edges.centre), dx_before, block.state[t], state_width(t));
    }
    const BlockFeatures<Real> d_messages = scratch.messages.as(pass.edges.messages());
    clear(atoms, d_messages);
    pass.mix_messages.add_transposed(atoms, dz, d_messages);
    pass.edges.differentiate(
        block.edges, feature_rows(t, first_features_, block),
        [&](int path) { return radial_.weights(t, path, scratch.radial); }, d_messages, scratch.edges);
    if (zbl_ && t == layers()) zbl_->add_slopes(scratch.zbl, scratch.edges.geometry);
    pass.edges.finish(scratch.edges, block.edge_gradient);
  }

  double cutoff_;
  Radial radial_;
  std::vector<Real> stretch_;          // [species of centre][species of neighbour] of distances, or empty
  std::vector<Real> neighbour_scale_;  // [species], or empty
  bool in_duals_;
  std::vector<Real> first_features_;  // [species][stride(0)] y_0
  std::vector<double> energy_scale_;
  std::vector<double> energy_shift_;
  std::optional<ReadoutKernel<Real>> readout_;
  std::optional<ZblKernel<Real>> zbl_;
  std::vector<std::unique_ptr<Pass>> passes_;
};

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
