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
#include "models/equivariant/species_kernels.hpp"
#include "models/equivariant/zbl-inl.hpp"
#include "models/mace/contraction-inl.hpp"
#include "models/mace/edge_kinds.hpp"
#include "models/mace/linear_readout-inl.hpp"
#include "models/mace/species_rows.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

using equivariant::Layout;
using equivariant::SpeciesKernels;
using namespace equivariant::HWY_NAMESPACE;

/// MACE as a layered model. Pass t is interaction t. With x_t what enters it, the features that the engine exchanges
/// before pass t are y_t = mix_input_t( x_t ): what edges need, and nothing else.
///
///   state[t]  for own atoms, from forward(t) on: the message A_t, 1 / n_t, and the readouts of all passes so far;
///             from forward(t - 1) on: the self connection of x_t, and in the same place after backward(t) dE/dx_t by
///             way of it, which is no business of other ranks.
///
/// y_0 and the self connection of x_0 follow from the species.
template <class Real, class Radial>
class MaceModel final : public Model<Real> {
 public:
  /// The parameters must have passed check(); `kind` is that of EdgeKinds.
  MaceModel(std::shared_ptr<const Parameters> parameters, Radial radial, std::vector<int> kind)
      : cutoff_(parameters->cutoff()),
        radial_(std::move(radial)),
        kind_(std::move(kind)),
        energy_scale_(parameters->energy_scale),
        energy_shift_(parameters->energy_shift),
        readout_(parameters->last_readout, parameters->readout_activation,
                 Layout(parameters->interactions.back().output)) {
    for (std::size_t s = 0; s < parameters->species.size(); ++s) {
      append(first_features(*parameters, s), first_features_);
      append(first_connection(*parameters, s), first_connections_);
    }
    if (parameters->zbl) zbl_.emplace(*parameters->zbl, cutoff_, parameters->zbl_cutoff);
    for (std::size_t t = 0; t < parameters->interactions.size(); ++t)
      passes_.push_back(std::make_unique<Pass>(parameters, t));
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
    for (const std::unique_ptr<Pass>& pass : passes_) {
      scratch->messages.fit(pass->edges.messages());
      for (Buffer* buffer : {&scratch->a, &scratch->da}) buffer->fit(pass->message);
      for (Buffer* buffer : {&scratch->x, &scratch->dx, &scratch->b, &scratch->y})
        for (const Layout& layout : {pass->edges.input(), pass->input, pass->output}) buffer->fit(layout);
    }
    scratch->readout = readout_.make_scratch(block_atoms);
    return scratch;
  }

  void forward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const BlockFeatures<Real> x = update(t, block, scratch);
    keep(t, block, x, scratch);
    const Pass& next = pass(t + 1);
    const int atoms = block.edges.centres();
    const std::span<const int> centres = block.edges.centre;
    const BlockFeatures<Real> y = scratch.y.as(next.edges.input());
    clear(atoms, y);
    next.mix_input.add(atoms, x, y);
    scatter_rows(centres, y, block.features[t + 1], stride(t + 1));
    if (!next.self_connection) return;
    const BlockFeatures<Real> connected = scratch.dx.as(next.output);
    clear(atoms, connected);
    next.self_connection->of(block.edges.species).add(atoms, x, connected);
    scatter_rows(centres, connected, connection(t + 1, block), state_width(t + 1));
  }

  void readout(const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const int t = layers();
    const int atoms = block.edges.centres();
    const BlockFeatures<Real> x = update(t, block, scratch);
    const BlockFeatures<Real> dx = scratch.dx.as(pass(t).output);
    clear(atoms, dx);
    readout_.run(atoms, x, scratch.readout, block.energy, dx);
    for (int a = 0; a < atoms; ++a) {
      const double early = t > 0 ? kept_energy(t - 1, block, a) : 0.0;
      block.energy[a] = energy_scale_ * (early + block.energy[a]) + energy_shift_[block.edges.species];
    }
    if (zbl_) zbl_->run(block.edges, block.species, scratch.edges.geometry, scratch.zbl, block.energy);
    scale(atoms, static_cast<Real>(energy_scale_), dx);
    propagate(t, block, dx, scratch);
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
    prepare_edges(t, block, scratch);
    propagate(t, block, dx, scratch);
  }

 private:
  using Weights = typename Radial::Weights;
  static constexpr int block_atoms = Radial::block_atoms;
  using Buffer = BlockBuffer<Real, block_atoms>;

  // A line of state for single numbers.
  static constexpr int of_atoms = equivariant::padded(1);
  static constexpr int inverse_n_place = 0;
  static constexpr int energy_place = 1;  // and the next, what the first leaves by rounding

  struct Scratch final : Workspace {
    EdgeScratch<Real> edges;
    typename Radial::Scratch radial;
    typename ZblKernel<Real>::Scratch zbl;
    Buffer messages, a, da, b, x, dx, y;
    Real inverse_n[block_atoms] = {};
    Real d_n[block_atoms] = {};
    typename ReadoutKernel<Real>::Scratch readout;
  };

  struct Pass {
    Pass(const std::shared_ptr<const Parameters>& parameters, std::size_t t)
        : Pass(parameters, t, parameters->interactions[t]) {}

    // Kernels of a species are made later: they hold on to the parameters, and so to `of`.
    Pass(const std::shared_ptr<const Parameters>& parameters, std::size_t t, const Interaction& of)
        : edges(of.edge_input(), of.paths),
          input(of.input),
          message(of.message),
          output(of.output),
          has_density(!of.density.empty()),
          mix_input(of.mix_input),
          mix_messages(of.mix_by_species.empty() ? 1 : parameters->species.size(),
                       [parameters, &of](std::size_t s) { return LinearKernel<Real>(message_map(of, s)); }),
          contract(parameters->species.size(),
                   [parameters, &of, monomials = std::make_shared<const Monomials>(of.contractions)](std::size_t s) {
                     return ContractionKernel<Real>(monomials, of.contractions, s, of.message.front().channels);
                   }),
          mix_product(of.mix_product),
          readout(of.output, t < parameters->readouts.size() ? parameters->readouts[t] : std::vector<double>()) {
      if (t > 0 && !of.self_connection.empty())
        self_connection.emplace(parameters->species.size(),
                                [parameters, &of](std::size_t s) { return LinearKernel<Real>(of.self_connection[s]); });
    }

    std::ptrdiff_t connection_size() const { return self_connection ? std::max(input.size(), output.size()) : 0; }

    MessageKernel<Real, Weights> edges;
    Layout input, message, output;
    bool has_density;
    LinearKernel<Real> mix_input;
    SpeciesKernels<LinearKernel<Real>> mix_messages;
    SpeciesKernels<ContractionKernel<Real>> contract;
    LinearKernel<Real> mix_product;
    std::optional<SpeciesKernels<LinearKernel<Real>>> self_connection;
    LinearReadout<Real> readout;
  };

  static void append(const equivariant::Row& row, std::vector<Real>& rows) {
    const std::vector<Real> rounded = equivariant::in_precision<Real>(row);
    rows.insert(rows.end(), rounded.begin(), rounded.end());
  }

  const Pass& pass(int t) const { return *passes_[t]; }

  /// Where state[t] has the numbers of a centre that are no features.
  Real* of_atom(int t, const Block<Real>& block, int centre) const {
    return block.state[t] + static_cast<std::ptrdiff_t>(block.edges.centre[centre]) * state_width(t) +
           pass(t).message.size();
  }
  double kept_energy(int t, const Block<Real>& block, int centre) const {
    const Real* numbers = of_atom(t, block, centre) + energy_place;
    return static_cast<double>(numbers[0]) + static_cast<double>(numbers[1]);
  }
  /// Where the row of atom 0 in state[t] has what concerns the self connection.
  Real* connection(int t, const Block<Real>& block) const {
    return block.state[t] + (t < layers() ? pass(t).message.size() + of_atoms : 0);
  }

  FeatureRows<Real> rows(int t, const Block<Real>& block) const {
    return {t == 0 ? first_features_.data() : block.features[t], t == 0 ? nullptr : block.gradients[t]};
  }

  void prepare_edges(int t, const Block<Real>& block, Scratch& scratch) const {
    const EdgeBlock<Real>& edges = block.edges;
    pass(t).edges.prepare_geometry(edges, scratch.edges);
    if (!kind_.empty()) {
      const int* row = kind_.data() + static_cast<std::size_t>(edges.species) * energy_shift_.size();
      std::vector<int>& kind = scratch.edges.geometry.kind;
      kind.resize(scratch.edges.geometry.distance.size());
      for (int e = 0; e < edges.edges(); ++e) kind[e] = row[block.species[edges.neighbour[e]]];
    }
    radial_.prepare(t, scratch.edges.geometry, scratch.radial);
    const auto row_of = [&](int e) { return t == 0 ? block.species[edges.neighbour[e]] : edges.neighbour[e]; };
    pass(t).edges.prepare_products(row_of, scratch.edges);
  }

  /// x_(t+1) of the block's centres, in scratch.x; leaves A_t in scratch.a and the edges prepared.
  BlockFeatures<Real> update(int t, const Block<Real>& block, Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    const int atoms = block.edges.centres();
    const int species = block.edges.species;
    prepare_edges(t, block, scratch);
    const BlockFeatures<Real> messages = scratch.messages.as(pass.edges.messages());
    pass.edges.sum(
        block.edges, rows(t, block), [&](int path) { return radial_.weights(t, path, scratch.radial); }, scratch.edges,
        messages);
    const BlockFeatures<Real> a = scratch.a.as(pass.message);
    clear(atoms, a);
    pass.mix_messages.of(species).add(atoms, messages, a);
    if (pass.has_density) divide_by_density(block.edges, a, scratch);
    const BlockFeatures<Real> b = scratch.b.as(pass.output);
    pass.contract.of(species).run(atoms, a, b);
    const BlockFeatures<Real> x = scratch.x.as(pass.output);
    if (pass.self_connection)
      gather_rows(std::span<const int>(block.edges.centre), connection(t, block), state_width(t), x);
    else if (t == 0)
      spread(atoms, first_connections_.data() + species * pass.output.size(), x);
    else
      clear(atoms, x);
    pass.mix_product.add(atoms, b, x);
    return x;
  }

  /// A and the energies so far, for later passes.
  void keep(int t, const Block<Real>& block, const BlockFeatures<Real>& x, Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    scatter_rows(std::span<const int>(block.edges.centre), scratch.a.as(pass.message), block.state[t], state_width(t));
    for (int a = 0; a < block.edges.centres(); ++a) {
      Real* numbers = of_atom(t, block, a);
      const double before = t > 0 ? kept_energy(t - 1, block, a) : 0.0;
      const double energy = before + pass.readout.energy(a, x);
      numbers[energy_place] = static_cast<Real>(energy);
      numbers[energy_place + 1] = static_cast<Real>(energy - static_cast<double>(numbers[energy_place]));
      numbers[inverse_n_place] = scratch.inverse_n[a];
    }
  }

  /// a / n, with 1 / n left in scratch.
  void divide_by_density(const EdgeBlock<Real>& edges, const BlockFeatures<Real>& a, Scratch& scratch) const {
    const Real* density = radial_.densities(scratch.radial).value.data();
    for (int c = 0; c < edges.centres(); ++c) {
      Real n = 1;
      for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) n += density[e];
      scratch.inverse_n[c] = 1 / n;
      scale_atom(c, scratch.inverse_n[c], a);
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
        block.edges, rows(t, block), [&](int path) { return radial_.weights(t, path, scratch.radial); }, d_messages,
        scratch.edges);
    if (pass.has_density) add_density_slopes(block.edges, scratch);
    if (zbl_ && t == layers()) zbl_->add_slopes(scratch.zbl, scratch.edges.geometry);
    pass.edges.finish(scratch.edges, block.edge_gradient);
  }

  double cutoff_;
  Radial radial_;
  std::vector<int> kind_;                // [species of centre][species of neighbour], or empty
  std::vector<Real> first_features_;     // [species][stride(0)] y_0
  std::vector<Real> first_connections_;  // [species][row] of the self connection of x_0
  double energy_scale_;
  std::vector<double> energy_shift_;
  ReadoutKernel<Real> readout_;
  std::optional<ZblKernel<Real>> zbl_;
  std::vector<std::unique_ptr<Pass>> passes_;
};

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
