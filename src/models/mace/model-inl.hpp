// The MACE model, compiled once for every instruction set and scalar type.
#if defined(GRAPEVINE_MACE_MODEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_MACE_MODEL_INL
#undef GRAPEVINE_MACE_MODEL_INL
#else
#define GRAPEVINE_MACE_MODEL_INL
#endif

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/model.hpp"
#include "models/equivariant/linear-inl.hpp"
#include "models/equivariant/messages-inl.hpp"
#include "models/equivariant/radial-inl.hpp"
#include "models/equivariant/readout-inl.hpp"
#include "models/equivariant/zbl-inl.hpp"
#include "models/mace/edge_kinds.hpp"
#include "models/mace/pass-inl.hpp"
#include "models/mace/species_rows.hpp"
#include "threads/shares.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

using equivariant::Layout;
using namespace equivariant::HWY_NAMESPACE;

/// MACE as a layered model. Pass t is interaction t. With x_t what enters it, the features that the engine exchanges
/// before pass t are y_t = mix_input_t( x_t ): what edges need, and nothing else.
///
///   state[t]  for own atoms, from forward(t) on: the message A_t, 1 / n_t, and the readouts of all passes so far;
///             from forward(t - 1) on: the self connection of x_t, and in the same place after backward(t) dE/dx_t by
///             way of it, which is no business of other ranks.
///
/// y_0 and the self connection of x_0 follow from the species. With tangents, rows of features and states are followed
/// by those of their changes; A_t and 1 / n_t are not kept, as nothing goes back.
template <class Real, class Radial>
class MaceModel final : public Model<Real> {
 public:
  using Pass = MacePass<Real, typename Radial::Weights>;

  /// The parameters must have passed check(); `kind` is that of EdgeKinds, `plans` are those of the interactions.
  /// Kernels of training are there if `in_duals`.
  MaceModel(const std::shared_ptr<const Parameters>& parameters, Radial radial, std::vector<int> kind,
            ContractionPlans plans, bool in_duals = false)
      : cutoff_(parameters->cutoff()),
        radial_(std::move(radial)),
        kind_(std::move(kind)),
        plans_(std::move(plans)),
        in_duals_(in_duals),
        energy_scale_(parameters->energy_scale) {
    if (parameters->zbl) zbl_.emplace(*parameters->zbl, cutoff_, parameters->zbl_cutoff);
    assign(parameters, 1);
  }

  /// Takes other weights, on up to `threads` threads; everything but the radial functions, which are a training's own.
  void assign(const std::shared_ptr<const Parameters>& parameters, int threads) {
    energy_shift_ = parameters->energy_shift;
    first_features_.clear();
    first_connections_.clear();
    for (std::size_t s = 0; s < parameters->species.size(); ++s) {
      append(mace::first_features(*parameters, s), first_features_);
      append(first_connection(*parameters, s), first_connections_);
    }
    readout_.emplace(parameters->last_readout, parameters->readout_activation,
                     Layout(parameters->interactions.back().output));
    passes_.resize(parameters->interactions.size());
    run_each(threads, passes_.size(),
             [&](std::size_t t) HWY_ATTR { passes_[t] = std::make_unique<Pass>(parameters, t, plans_[t], in_duals_); });
  }

  const Pass& pass(int t) const { return *passes_[t]; }
  const Radial& radial() const { return radial_; }
  const std::vector<Real>& first_features() const { return first_features_; }
  const std::vector<Real>& first_connections() const { return first_connections_; }

  template <class AnyBlock>
  void prepare_edges(int t, const AnyBlock& block, EdgeScratch<Real>& scratch, typename Radial::Scratch& radial) const {
    const EdgeBlock<Real>& edges = block.edges;
    pass(t).edges.prepare_geometry(edges, changes(block), scratch);
    if (!kind_.empty()) {
      const int* row = kind_.data() + static_cast<std::size_t>(edges.species) * energy_shift_.size();
      std::vector<int>& kind = scratch.geometry.kind;
      kind.resize(static_cast<std::size_t>(scratch.geometry.stride));
      for (int e = 0; e < edges.edges(); ++e) kind[e] = row[block.species[edges.neighbour[e]]];
    }
    radial_.prepare(t, scratch.geometry, radial);
    pass(t).edges.template prepare_products<directions<AnyBlock>>(t == 0, planes_of_pass<AnyBlock>(t), edges,
                                                                  block.species, scratch);
  }

  double cutoff() const override { return cutoff_; }
  int layers() const override { return static_cast<int>(passes_.size()) - 1; }
  int width(int t) const override { return stride(t); }
  int stride(int t) const override { return static_cast<int>(pass(t).edges.input().size()); }
  int state_width(int t) const override {
    const std::ptrdiff_t kept = t < layers() ? pass(t).message.size() + of_atoms : 0;
    return static_cast<int>(kept + pass(t).connection_size());
  }
  bool gives_edge_gradient(int) const override { return true; }
  int block_size() const override { return block_atoms; }

  std::unique_ptr<Workspace> make_workspace() const override {
    auto scratch = std::make_unique<Scratch>();
    fit(static_cast<Buffers<0>&>(*scratch));
    return scratch;
  }

  void forward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    advance(t, block, scratch);
    keep_message(t, block, scratch);
  }

  void readout(const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const int t = layers();
    const int atoms = block.edges.centres();
    energies(block, scratch);
    const BlockFeatures<Real> dx = scratch.dx.as(pass(t).output);
    clear(atoms, dx);
    readout_->add_gradient(atoms, scratch.readout, dx);
    scale(atoms, static_cast<Real>(energy_scale_), dx);
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
    const Pass& pass = this->pass(t);
    const Pass& next = this->pass(t + 1);
    const int atoms = block.edges.centres();
    const std::span<const int> centres = block.edges.centre;
    const BlockFeatures<Real> dy = scratch.y.as(next.edges.input());
    const BlockFeatures<Real> dx = scratch.dx.as(next.input);
    gather_rows(centres, block.gradients[t + 1], stride(t + 1), dy);
    if (next.self_connection)
      gather_rows(centres, connection(t + 1, block), state_width(t + 1), dx);
    else
      clear(atoms, dx);
    next.mix_input.add_transposed(atoms, dy, dx);
    pass.readout.add_gradient(atoms, static_cast<Real>(energy_scale_), dx);
    gather_rows(centres, block.state[t], state_width(t), scratch.a.as(pass.message));
    for (int a = 0; a < atoms; ++a) scratch.inverse_n[a] = of_atom(t, block, a)[inverse_n_place];
    prepare_edges(t, block, scratch.edges, scratch.radial);
    propagate(t, block, dx, scratch);
  }

 private:
  static constexpr int block_atoms = Radial::block_atoms;

  // A line of state for single numbers.
  static constexpr int of_atoms = equivariant::padded(1);
  static constexpr int inverse_n_place = 0;
  static constexpr int energy_place = 1;  // and the next, what the first leaves by rounding

  /// Numbers of a block's atoms and their changes in K directions.
  template <int K>
  struct Buffers {
    BlockBuffer<Real, (1 + K) * block_atoms> messages, a, da, b, x, dx, y;
    typename ReadoutKernel<Real>::Scratch readout;
  };

  struct Scratch final : Workspace, Buffers<0> {
    EdgeScratch<Real> edges;
    typename Radial::Scratch radial;
    typename ZblKernel<Real>::Scratch zbl;
    Real inverse_n[block_atoms] = {};
    Real d_n[block_atoms] = {};
    std::optional<Buffers<tangent_count>> with_tangents;  // made when first needed
  };

  template <int K>
  void fit(Buffers<K>& buffers) const {
    for (const std::unique_ptr<Pass>& pass : passes_) {
      buffers.messages.fit(pass->edges.messages());
      for (auto* buffer : {&buffers.a, &buffers.da}) buffer->fit(pass->message);
      for (auto* buffer : {&buffers.x, &buffers.dx, &buffers.b, &buffers.y})
        for (const Layout& layout : {pass->edges.input(), pass->input, pass->output}) buffer->fit(layout);
    }
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

  static void append(const equivariant::Row& row, std::vector<Real>& rows) {
    const std::vector<Real> rounded = equivariant::in_precision<Real>(row);
    rows.insert(rows.end(), rounded.begin(), rounded.end());
  }

  /// Where state[t] has the numbers of a centre that are no features, or their changes.
  template <class AnyBlock>
  Real* of_atom(int t, const AnyBlock& block, int centre, int plane = 0) const {
    constexpr int K = directions<AnyBlock>;
    const std::ptrdiff_t row = (1 + K) * std::ptrdiff_t{block.edges.centre[centre]} + plane;
    return block.state[t] + row * state_width(t) + pass(t).message.size();
  }
  template <class AnyBlock>
  double kept_energy(int t, const AnyBlock& block, int centre, int plane) const {
    if (t < 0) return 0;
    const Real* numbers = of_atom(t, block, centre, plane) + energy_place;
    return static_cast<double>(numbers[0]) + static_cast<double>(numbers[1]);
  }
  /// Where the row of atom 0 in state[t] has what concerns the self connection.
  template <class AnyBlock>
  Real* connection(int t, const AnyBlock& block) const {
    return block.state[t] + (t < layers() ? pass(t).message.size() + of_atoms : 0);
  }

  /// x_(t+1) of the block's centres, in x of the buffers; leaves A_t in their a and the edges prepared.
  template <class AnyBlock>
  BlockFeatures<Real> update(int t, const AnyBlock& block, Scratch& scratch) const {
    constexpr int K = directions<AnyBlock>;
    Buffers<K>& buffers = buffers_in<K>(scratch);
    const Pass& pass = this->pass(t);
    const int atoms = block.edges.centres();
    const int rows = (1 + K) * atoms;
    const int species = block.edges.species;
    prepare_edges(t, block, scratch.edges, scratch.radial);
    const BlockFeatures<Real> messages = buffers.messages.as(pass.edges.messages());
    pass.edges.template sum<K>(
        block.edges, feature_rows(t, first_features_, block),
        [&](int path) { return radial_.weights(t, path, scratch.radial); }, scratch.edges, messages);
    const BlockFeatures<Real> a = buffers.a.as(pass.message);
    clear(rows, a);
    pass.mix_messages.of(species).add(rows, messages, a);
    if (pass.has_density) divide_by_density<K>(block.edges, a, scratch);
    const BlockFeatures<Real> b = buffers.b.as(pass.output);
    pass.contract.of(species).template run<K>(atoms, a, b);
    const BlockFeatures<Real> x = buffers.x.as(pass.output);
    if (pass.self_connection)
      gather_rows<K>(std::span<const int>(block.edges.centre), connection(t, block), state_width(t), x);
    else if (t == 0)
      spread<K>(atoms, first_connections_.data() + species * pass.output.size(), x);
    else
      clear(rows, x);
    pass.mix_product.add(rows, b, x);
    return x;
  }

  /// What pass t < T leaves for later: y_(t+1), the self connection of x_(t+1) and the energies so far.
  template <class AnyBlock>
  void advance(int t, const AnyBlock& block, Scratch& scratch) const {
    constexpr int K = directions<AnyBlock>;
    Buffers<K>& buffers = buffers_in<K>(scratch);
    const BlockFeatures<Real> x = update(t, block, scratch);
    keep_energies(t, block, x);
    const Pass& next = pass(t + 1);
    const int rows = (1 + K) * block.edges.centres();
    const std::span<const int> centres = block.edges.centre;
    const BlockFeatures<Real> y = buffers.y.as(next.edges.input());
    clear(rows, y);
    next.mix_input.add(rows, x, y);
    scatter_rows<K>(centres, y, block.features[t + 1], stride(t + 1));
    if (!next.self_connection) return;
    const BlockFeatures<Real> connected = buffers.dx.as(next.output);
    clear(rows, connected);
    next.self_connection->of(block.edges.species).add(rows, x, connected);
    scatter_rows<K>(centres, connected, connection(t + 1, block), state_width(t + 1));
  }

  template <class AnyBlock>
  void energies(const AnyBlock& block, Scratch& scratch) const {
    constexpr int K = directions<AnyBlock>;
    const int atoms = block.edges.centres();
    const BlockFeatures<Real> x = update(layers(), block, scratch);
    readout_->template run<K>(atoms, x, buffers_in<K>(scratch).readout, block.energy);
    double* energy = block.energy;
    for (int a = 0; a < atoms; ++a)
      for (int plane = 0; plane <= K; ++plane, ++energy) {
        const double shift = plane == 0 ? energy_shift_[block.edges.species] : 0;
        *energy = energy_scale_ * (kept_energy(layers() - 1, block, a, plane) + *energy) + shift;
      }
    if (zbl_) zbl_->template run<K>(block.edges, block.species, scratch.edges.geometry, scratch.zbl, block.energy);
  }

  template <class AnyBlock>
  void keep_energies(int t, const AnyBlock& block, const BlockFeatures<Real>& x) const {
    const int atoms = block.edges.centres();
    for (int plane = 0; plane <= directions<AnyBlock>; ++plane)
      for (int a = 0; a < atoms; ++a) {
        Real* numbers = of_atom(t, block, a, plane) + energy_place;
        const double energy = kept_energy(t - 1, block, a, plane) + pass(t).readout.energy(plane * atoms + a, x);
        numbers[0] = static_cast<Real>(energy);
        numbers[1] = static_cast<Real>(energy - static_cast<double>(numbers[0]));
      }
  }

  /// A and 1 / n, for the way back.
  void keep_message(int t, const Block<Real>& block, Scratch& scratch) const {
    const BlockFeatures<Real> a = scratch.a.as(pass(t).message);
    scatter_rows(std::span<const int>(block.edges.centre), a, block.state[t], state_width(t));
    for (int c = 0; c < block.edges.centres(); ++c) of_atom(t, block, c)[inverse_n_place] = scratch.inverse_n[c];
  }

  /// a / n, with 1 / n left in scratch.
  template <int K>
  void divide_by_density(const EdgeBlock<Real>& edges, const BlockFeatures<Real>& a, Scratch& scratch) const {
    const EdgeDensities<Real>& densities = radial_.densities(scratch.radial);
    const int atoms = edges.centres();
    for (int c = 0; c < atoms; ++c) {
      Real n = 1;
      for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) n += densities.value[e];
      scratch.inverse_n[c] = 1 / n;
      scale_atom(c, scratch.inverse_n[c], a);
      for (int k = 1; k <= K; ++k) {
        const Real* distance_change = scratch.edges.geometry.radial_distance(k);
        Real change = 0;
        for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) change += densities.slope[e] * distance_change[e];
        add_atom(c, -change, k * atoms + c, a);
        scale_atom(k * atoms + c, scratch.inverse_n[c], a);
      }
    }
  }

  /// From dE/dA in da to the gradient by what is divided, and dE/dn, which is left in scratch.
  static void undo_division(int atoms, const BlockFeatures<Real>& a, const BlockFeatures<Real>& da, Scratch& scratch) {
    for (int c = 0; c < atoms; ++c) {
      scratch.d_n[c] = -scratch.inverse_n[c] * dot_of_atom(c, a, da);
      scale_atom(c, scratch.inverse_n[c], da);
    }
  }

  void add_density_slopes(const EdgeBlock<Real>& edges, Scratch& scratch) const {
    const Real* slope = radial_.densities(scratch.radial).slope.data();
    for (int c = 0; c < edges.centres(); ++c)
      for (int e = edges.first[c]; e < edges.first[c + 1]; ++e)
        scratch.edges.geometry.d_distance[e] += scratch.d_n[c] * slope[e];
  }

  /// From dE/dx_(t+1) in dx, A_t in scratch.a and prepared edges: to dE/dx_t of the centres, dE/dy_t of their
  /// neighbours and dE/dd of their edges.
  void propagate(int t, const Block<Real>& block, const BlockFeatures<Real>& dx, Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    const int atoms = block.edges.centres();
    const int species = block.edges.species;
    if (pass.self_connection) {
      const BlockFeatures<Real> dx_before = scratch.x.as(pass.input);
      clear(atoms, dx_before);
      pass.self_connection->of(species).add_transposed(atoms, dx, dx_before);
      scatter_rows(std::span<const int>(block.edges.centre), dx_before, connection(t, block), state_width(t));
    }
    const BlockFeatures<Real> db = scratch.b.as(pass.output);
    clear(atoms, db);
    pass.mix_product.add_transposed(atoms, dx, db);
    const BlockFeatures<Real> a = scratch.a.as(pass.message);
    const BlockFeatures<Real> da = scratch.da.as(pass.message);
    pass.contract.of(species).differentiate(atoms, a, db, da);
    if (pass.has_density) undo_division(atoms, a, da, scratch);
    const BlockFeatures<Real> d_messages = scratch.messages.as(pass.edges.messages());
    clear(atoms, d_messages);
    pass.mix_messages.of(species).add_transposed(atoms, da, d_messages);
    pass.edges.differentiate(
        block.edges, feature_rows(t, first_features_, block),
        [&](int path) { return radial_.weights(t, path, scratch.radial); }, d_messages, scratch.edges);
    if (pass.has_density) add_density_slopes(block.edges, scratch);
    if (zbl_ && t == layers()) zbl_->add_slopes(scratch.zbl, scratch.edges.geometry);
    pass.edges.finish(scratch.edges, block.edge_gradient);
  }

  double cutoff_;
  Radial radial_;
  std::vector<int> kind_;  // [species of centre][species of neighbour], or empty
  ContractionPlans plans_;
  bool in_duals_;
  std::vector<Real> first_features_;     // [species][stride(0)] y_0
  std::vector<Real> first_connections_;  // [species][row] of the self connection of x_0
  double energy_scale_;
  std::vector<double> energy_shift_;
  std::optional<ReadoutKernel<Real>> readout_;
  std::optional<ZblKernel<Real>> zbl_;
  std::vector<std::unique_ptr<Pass>> passes_;
};

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
