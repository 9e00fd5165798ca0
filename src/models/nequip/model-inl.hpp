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
#include "models/equivariant/gate-inl.hpp"
#include "models/equivariant/linear-inl.hpp"
#include "models/equivariant/messages-inl.hpp"
#include "models/equivariant/radial-inl.hpp"
#include "models/equivariant/readout-inl.hpp"
#include "models/equivariant/rms_norm-inl.hpp"
#include "models/equivariant/species_kernels.hpp"
#include "models/equivariant/zbl-inl.hpp"
#include "models/nequip/species_rows.hpp"

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
/// y_0 and the self connection of x_0 follow from the species.
template <class Real, class Radial>
class NequipModel final : public Model<Real> {
 public:
  /// The parameters must have passed check().
  NequipModel(std::shared_ptr<const Parameters> parameters, Radial radial)
      : cutoff_(parameters->cutoff()),
        radial_(std::move(radial)),
        stretch_(reals(distance_stretch(*parameters))),
        neighbour_scale_(reals(parameters->neighbour_scale)),
        first_features_(rows_of_species<Real>(*parameters)),
        energy_scale_(parameters->energy_scale),
        energy_shift_(parameters->energy_shift),
        readout_(parameters->readout, parameters->readout_activation,
                 Layout(parameters->interactions.back().gate.outputs())) {
    if (parameters->zbl) zbl_.emplace(*parameters->zbl, cutoff_, parameters->pair_cutoff);
    for (std::size_t t = 0; t < parameters->interactions.size(); ++t)
      passes_.push_back(std::make_unique<Pass>(parameters, t));
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
    for (const std::unique_ptr<Pass>& pass : passes_) {
      scratch->messages.fit(pass->edges.messages());
      for (Buffer* buffer : {&scratch->z, &scratch->dz, &scratch->normalised}) buffer->fit(pass->before_gate);
      for (Buffer* buffer : {&scratch->x, &scratch->dx}) {
        buffer->fit(pass->input());
        buffer->fit(pass->output);
      }
    }
    scratch->inverse_norm.resize(Radial::block_atoms);
    scratch->readout = readout_.make_scratch(Radial::block_atoms);
    return scratch;
  }

  void forward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const BlockFeatures<Real> x = update(t, block, scratch);
    const std::span<const int> centres = block.edges.centre;
    scatter_rows(centres, scratch.z.as(pass(t).before_gate), block.state[t], state_width(t));
    const Pass& next = pass(t + 1);
    const BlockFeatures<Real> y = scratch.dx.as(next.input());
    next.mix_input.run(block.edges.centres(), x, y);
    scale_as_neighbours(block, y);
    scatter_rows(centres, y, block.features[t + 1], next.input().size());
  }

  void readout(const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const int t = layers();
    const int atoms = block.edges.centres();
    const int species = block.edges.species;
    const BlockFeatures<Real> x = update(t, block, scratch);
    const BlockFeatures<Real> dx = scratch.dx.as(pass(t).output);
    clear(atoms, dx);
    readout_.run(atoms, x, scratch.readout, block.energy, dx);
    for (int a = 0; a < atoms; ++a) block.energy[a] = energy_scale_[species] * block.energy[a] + energy_shift_[species];
    if (zbl_) zbl_->run(block.edges, block.species, scratch.edges.geometry, scratch.zbl, block.energy);
    scale(atoms, static_cast<Real>(energy_scale_[species]), dx);
    propagate(t, block, dx, scratch);
  }

  void backward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const Pass& next = pass(t + 1);
    const std::span<const int> centres = block.edges.centre;
    const BlockFeatures<Real> dy = scratch.x.as(next.input());
    const BlockFeatures<Real> dx = scratch.dx.as(next.input());
    gather_rows(centres, block.gradients[t + 1], next.input().size(), dy);
    gather_rows(centres, block.state[t + 1], state_width(t + 1), dx);
    scale_as_neighbours(block, dy);
    next.mix_input.add_transposed(block.edges.centres(), dy, dx);
    gather_rows(centres, block.state[t], state_width(t), scratch.z.as(pass(t).before_gate));
    prepare_edges(t, block, scratch);
    propagate(t, block, dx, scratch);
  }

 private:
  using Weights = typename Radial::Weights;
  static constexpr int block_atoms = Radial::block_atoms;

  using Buffer = BlockBuffer<Real, block_atoms>;

  struct Scratch final : Workspace {
    EdgeScratch<Real> edges;
    typename Radial::Scratch radial;
    typename ZblKernel<Real>::Scratch zbl;
    Buffer messages, z, normalised, dz, x, dx;
    simd::AlignedVector<Real> inverse_norm;  // [atoms]
    typename ReadoutKernel<Real>::Scratch readout;
  };

  struct Pass {
    Pass(const std::shared_ptr<const Parameters>& parameters, std::size_t t)
        : Pass(parameters, t, parameters->interactions[t]) {}

    Pass(const std::shared_ptr<const Parameters>& parameters, std::size_t t, const Interaction& interaction)
        : edges(interaction.input, interaction.paths),
          before_gate(interaction.gate.inputs()),
          output(interaction.gate.outputs()),
          bias(bias_rows<Real>(*parameters, t)),
          mix_input(interaction.mix_input),
          mix_messages(interaction.mix_messages),
          gate(interaction.gate) {
      if (interaction.norm) norm.emplace(*interaction.norm, before_gate);
      if (t > 0 && interaction.self_connection_kind != SelfConnectionKind::none) connect(parameters, interaction);
    }

    void connect(const std::shared_ptr<const Parameters>& parameters, const Interaction& interaction) {
      const bool shared = interaction.self_connection_kind == SelfConnectionKind::shared;
      self_connection.emplace(shared ? 1 : parameters->species.size(), [parameters, &interaction](std::size_t species) {
        return LinearKernel<Real>(self_connection_of(*parameters, interaction, species));
      });
    }

    const Layout& input() const { return edges.input(); }

    MessageKernel<Real, Weights> edges;
    Layout before_gate, output;
    std::vector<std::vector<Real>> bias;  // [species] z without messages and self connection
    AffineKernel<Real> mix_input;
    LinearKernel<Real> mix_messages;
    std::optional<equivariant::SpeciesKernels<LinearKernel<Real>>> self_connection;
    std::optional<RmsNormKernel<Real>> norm;
    GateKernel<Real> gate;
  };

  static std::vector<Real> reals(const std::vector<double>& values) { return {values.begin(), values.end()}; }

  const Pass& pass(int t) const { return *passes_[t]; }

  FeatureRows<Real> rows(int t, const Block<Real>& block) const {
    return {t == 0 ? first_features_.data() : block.features[t], t == 0 ? nullptr : block.gradients[t]};
  }

  void prepare_edges(int t, const Block<Real>& block, Scratch& scratch) const {
    const EdgeBlock<Real>& edges = block.edges;
    pass(t).edges.prepare_geometry(edges, scratch.edges);
    if (!stretch_.empty()) stretch(block, scratch.edges.geometry);
    radial_.prepare(t, scratch.edges.geometry, scratch.radial);
    const auto row_of = [&](int e) { return t == 0 ? block.species[edges.neighbour[e]] : edges.neighbour[e]; };
    pass(t).edges.prepare_products(row_of, scratch.edges);
  }

  void stretch(const Block<Real>& block, EdgeGeometry<Real>& geometry) const {
    const std::size_t species = energy_scale_.size();
    const Real* row = stretch_.data() + static_cast<std::size_t>(block.edges.species) * species;
    geometry.stretch.assign(geometry.distance.size(), Real(1));
    for (int e = 0; e < geometry.edges; ++e) geometry.stretch[e] = row[block.species[block.edges.neighbour[e]]];
    stretch_distances(geometry);
  }

  /// x_(t+1) of the block's centres, in scratch.x; leaves z_t in scratch.z and the edges prepared.
  BlockFeatures<Real> update(int t, const Block<Real>& block, Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    const int atoms = block.edges.centres();
    const int species = block.edges.species;
    prepare_edges(t, block, scratch);
    const BlockFeatures<Real> messages = scratch.messages.as(pass.edges.messages());
    pass.edges.sum(
        block.edges, rows(t, block), [&](int path) { return radial_.weights(t, path, scratch.radial); }, scratch.edges,
        messages);
    const BlockFeatures<Real> z = scratch.z.as(pass.before_gate);
    if (pass.self_connection) {
      const Pass& before = this->pass(t - 1);
      const BlockFeatures<Real> z_before = scratch.dz.as(before.before_gate);
      gather_rows(std::span<const int>(block.edges.centre), block.state[t - 1], state_width(t - 1), z_before);
      activate(before, atoms, z_before, scratch, scratch.x.as(pass.input()));
    }
    spread(atoms, pass.bias[species].data(), z);
    pass.mix_messages.add(atoms, messages, z);
    if (pass.self_connection) pass.self_connection->of(species).add(atoms, scratch.x.as(pass.input()), z);
    const BlockFeatures<Real> x = scratch.x.as(pass.output);
    activate(pass, atoms, z, scratch, x);
    return x;
  }

  /// x = gate( norm( z ) ); leaves norm( z ) in scratch.normalised, if there is a norm.
  static void activate(const Pass& pass, int atoms, const BlockFeatures<Real>& z, Scratch& scratch,
                       const BlockFeatures<Real>& x) {
    pass.gate.forward(atoms, normalise(pass, atoms, z, scratch), x);
  }

  static BlockFeatures<Real> normalise(const Pass& pass, int atoms, const BlockFeatures<Real>& z, Scratch& scratch) {
    if (!pass.norm) return z;
    const BlockFeatures<Real> normalised = scratch.normalised.as(pass.before_gate);
    pass.norm->forward(atoms, z, normalised, scratch.inverse_norm.data());
    return normalised;
  }

  /// From dE/dx_(t+1) in dx, z_t in scratch.z and prepared edges: to dE/dx_t of the centres, dE/dy_t of their
  /// neighbours and dE/dd of their edges.
  void propagate(int t, const Block<Real>& block, const BlockFeatures<Real>& dx, Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    const int atoms = block.edges.centres();
    const BlockFeatures<Real> z = scratch.z.as(pass.before_gate);
    const BlockFeatures<Real> dz = scratch.dz.as(pass.before_gate);
    pass.gate.backward(atoms, normalise(pass, atoms, z, scratch), dx, dz);
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
        block.edges, rows(t, block), [&](int path) { return radial_.weights(t, path, scratch.radial); }, d_messages,
        scratch.edges);
    if (zbl_ && t == layers()) zbl_->add_slopes(scratch.zbl, scratch.edges.geometry);
    pass.edges.finish(scratch.edges, block.edge_gradient);
  }

  void scale_as_neighbours(const Block<Real>& block, const BlockFeatures<Real>& y) const {
    if (!neighbour_scale_.empty()) scale(block.edges.centres(), neighbour_scale_[block.edges.species], y);
  }

  double cutoff_;
  Radial radial_;
  std::vector<Real> stretch_;          // [species of centre][species of neighbour] of distances, or empty
  std::vector<Real> neighbour_scale_;  // [species], or empty
  std::vector<Real> first_features_;   // [species][stride(0)] y_0
  std::vector<double> energy_scale_;
  std::vector<double> energy_shift_;
  ReadoutKernel<Real> readout_;
  std::optional<ZblKernel<Real>> zbl_;
  std::vector<std::unique_ptr<Pass>> passes_;
};

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
