// Gradients of a loss by all weights of NequIP, compiled once for every instruction set and scalar type.
#if defined(GRAPEVINE_NEQUIP_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_GRADIENT_INL
#undef GRAPEVINE_NEQUIP_GRADIENT_INL
#else
#define GRAPEVINE_NEQUIP_GRADIENT_INL
#endif

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "models/equivariant/training/dual_readout-inl.hpp"
#include "models/equivariant/training/dual_worker-inl.hpp"
#include "models/equivariant/training/gradient_sums.hpp"
#include "models/equivariant/training/linear_gradient-inl.hpp"
#include "models/equivariant/training/radial_tables-inl.hpp"
#include "models/equivariant/training/rms_norm_gradient-inl.hpp"
#include "models/nequip/model-inl.hpp"
#include "models/nequip/training/gradient.hpp"
#include "models/shared_rows.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

using equivariant::add_layers;
using equivariant::add_numbers;
using equivariant::add_passes;
using equivariant::rows_in_duals;
using equivariant::without_values;

/// Gradient kernels of one model, and the model itself. Names of what is computed are those of Interaction.
template <class Real>
class NequipGradient final : public GradientKernels<Parameters> {
  using Tables = RadialTables<Real>;
  using Radial = TableRadial<Real>;
  using Value = NequipModel<Real, Radial>;
  using Pass = typename Value::Pass;

 public:
  static constexpr int block_atoms = 16;
  using Buffer = BlockBuffer<Real, 2 * block_atoms>;

  /// Sums for the weights of one interaction.
  struct PassSums {
    LinearGradient<Real> mix_input;    // but of the first, which has sums of rows instead
    RowGradient<Real> mix_input_bias;  // the same
    LinearGradient<Real> mix_messages;
    std::vector<LinearGradient<Real>> self_connection;  // but of the first; one where species share it
    std::vector<RowGradient<Real>> bias;                // [species] z without messages and self connection
    std::optional<RmsNormGradient<Real>> norm;

    template <class Function>
    void for_each(const Function& function) {
      function(mix_input);
      function(mix_input_bias);
      function(mix_messages);
      for (auto& sum : self_connection) function(sum);
      for (auto& sum : bias) function(sum);
      if (norm) function(*norm);
    }
  };

  struct Sums {
    std::vector<PassSums> passes;
    simd::AlignedVector<Real> first_features;  // [species][2][stride(0)], of which the changes count
    typename Tables::Gradient tables;
    typename DualReadout<Real>::Gradient readout;

    void clear() {
      for (PassSums& pass : passes) pass.for_each([](auto& sum) { sum.clear(); });
      std::fill(first_features.begin(), first_features.end(), Real(0));
      tables.clear();
      readout.clear();
    }
  };

  struct PassTape {
    Buffer messages, z, normalised, x;  // x is what leaves the interaction
  };

  struct Tape : DualBlock<Real> {
    std::vector<PassTape> passes;
    Buffer dx;  // by way of the self connection that comes next
  };

  struct Scratch {
    EdgeScratch<Real> edges;
    typename Radial::Scratch radial;
    Buffer y, dx, dz, d_messages;
    Real inverse_norm[block_atoms] = {};
    simd::AlignedVector<Real> d_weights;
    typename DualReadout<Real>::Scratch readout;
    double energies[2 * block_atoms] = {};
  };

  explicit NequipGradient(const Parameters& parameters)
      : parameters_(std::make_shared<const Parameters>(parameters)),
        tables_(make_tables(family(parameters))),
        model_(std::make_shared<Value>(parameters_, Radial(tables_), true)),
        readout_(parameters.readout, parameters.readout_activation,
                 Layout(parameters.interactions.back().gate.outputs())) {
    assign(parameters, 1);
  }

  void assign(const Parameters& parameters, int threads) override {
    parameters_ = std::make_shared<const Parameters>(parameters);
    tables_->assign(family(parameters), threads);
    model_->assign(parameters_, threads);
    readout_.assign(parameters.readout);
    first_features_ = rows_in_duals(model_->first_features(), static_cast<std::size_t>(model_->stride(0)));
  }

  std::unique_ptr<GradientWorker> make_worker() const override { return std::make_unique<Worker>(*this); }

  void collect(std::span<const std::unique_ptr<GradientWorker>> workers, Parameters& gradient) const override {
    Sums& sums = static_cast<Worker&>(*workers.front()).sums;
    const auto threads = static_cast<int>(workers.size());
    for (const auto& worker : workers.subspan(1)) add(static_cast<Worker&>(*worker).sums, threads, sums);
    collect_radial(sums, threads, gradient);
    collect_rows(sums, gradient);
    for (std::size_t t = 0; t < sums.passes.size(); ++t) collect_pass(t, sums.passes[t], gradient);
    sums.readout.add_to(gradient.readout);
  }

  const std::shared_ptr<Value>& model() const { return model_; }

  Sums make_sums() const {
    Sums sums{{}, {}, typename Tables::Gradient(*tables_), typename DualReadout<Real>::Gradient(parameters_->readout)};
    for (int t = 0; t <= layers(); ++t) sums.passes.push_back(make_pass_sums(t));
    sums.first_features.assign(first_features_.size(), Real(0));
    return sums;
  }

  Tape make_tape() const {
    Tape tape;
    for (int t = 0; t <= layers(); ++t) {
      PassTape& of = tape.passes.emplace_back();
      of.messages.fit(pass(t).edges.messages());
      of.z.fit(pass(t).before_gate);
      of.normalised.fit(pass(t).before_gate);
      of.x.fit(pass(t).output);
      tape.dx.fit(pass(t).input());
    }
    return tape;
  }

  Scratch make_scratch() const {
    Scratch scratch;
    for (int t = 0; t <= layers(); ++t) {
      scratch.d_messages.fit(pass(t).edges.messages());
      scratch.dz.fit(pass(t).before_gate);
      scratch.y.fit(pass(t).input());
      scratch.dx.fit(pass(t).output);
      scratch.dx.fit(pass(t).input());
    }
    return scratch;
  }

  void forward(int t, Tape& tape, const SharedRows<Real>& rows, Sums& sums, Scratch& scratch) const {
    update(t, tape, rows, sums, scratch);
    const Pass& next = pass(t + 1);
    const int atoms = tape.edges.centres();
    const BlockFeatures<Real> y = scratch.y.as(next.input());
    next.mix_input.template run<1>(atoms, tape.passes[t].x.as(pass(t).output), y);
    model_->scale_as_neighbours(2 * atoms, tape.edges.species, y);
    scatter_rows<1>(std::span<const int>(tape.edges.centre), y, rows.features(t + 1), model_->stride(t + 1));
  }

  void readout(Tape& tape, const SharedRows<Real>& rows, Sums& sums, Scratch& scratch) const {
    const int t = layers();
    update(t, tape, rows, sums, scratch);
    const int atoms = tape.edges.centres();
    const BlockFeatures<Real> dx = scratch.dx.as(pass(t).output);
    clear(2 * atoms, dx);
    const double scale = parameters_->energy_scale[static_cast<std::size_t>(tape.edges.species)];
    const EnergySeeds<Real, block_atoms> seeds(scale, tape.energy_slope);
    readout_.forward(atoms, tape.passes[t].x.as(pass(t).output), scratch.readout, scratch.energies);
    readout_.backward(atoms, seeds.value, seeds.change, scratch.readout, sums.readout, dx);
    propagate(t, tape, dx, rows, sums, scratch);
  }

  void backward(int t, Tape& tape, const SharedRows<Real>& rows, Sums& sums, Scratch& scratch) const {
    const Pass& next = pass(t + 1);
    const int atoms = tape.edges.centres();
    const BlockFeatures<Real> dx = tape.dx.as(next.input());
    const BlockFeatures<Real> dy = scratch.y.as(next.input());
    gather_rows<1>(std::span<const int>(tape.edges.centre), rows.gradients(t + 1), model_->stride(t + 1), dy);
    model_->scale_as_neighbours(2 * atoms, tape.edges.species, dy);
    sums.passes[t + 1].mix_input.add(atoms, tape.passes[t].x.as(pass(t).output), dy);
    sums.passes[t + 1].mix_input_bias.add(atoms, dy);
    next.mix_input.add_transposed(2 * atoms, dy, dx);
    propagate(t, tape, dx, rows, sums, scratch);
  }

 private:
  using Worker = DualWorker<Real, NequipGradient>;

  static equivariant::RadialFamily family(const Parameters& parameters) { return {radial_weights(parameters), {}}; }

  static std::shared_ptr<Tables> make_tables(const equivariant::RadialFamily& family) {
    return std::make_shared<Tables>(family, table_intervals(family));
  }

  const Pass& pass(int t) const { return model_->pass(t); }
  int layers() const { return model_->layers(); }
  std::size_t species() const { return parameters_->species.size(); }

  FeatureRows<Real> feature_rows(int t, const SharedRows<Real>& rows, Sums& sums) const {
    if (t == 0) return {first_features_.data(), sums.first_features.data(), true};
    return {rows.features(t), rows.gradients(t), true};
  }

  /// x of the block's centres behind interaction t, and what its way back needs.
  void update(int t, Tape& tape, const SharedRows<Real>& rows, Sums& sums, Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    PassTape& of = tape.passes[t];
    const int atoms = tape.edges.centres();
    const int species = tape.edges.species;
    model_->prepare_edges(t, static_cast<const DualBlock<Real>&>(tape), scratch.edges, scratch.radial);
    const BlockFeatures<Real> messages = of.messages.as(pass.edges.messages());
    pass.edges.template sum<1>(
        tape.edges, feature_rows(t, rows, sums),
        [&](int path) { return model_->radial().weights(t, path, scratch.radial); }, scratch.edges, messages);
    const BlockFeatures<Real> z = of.z.as(pass.before_gate);
    spread<1>(atoms, pass.bias[species].data(), z);
    pass.mix_messages.add(2 * atoms, messages, z);
    if (pass.self_connection)
      pass.self_connection->of(species).add(2 * atoms, tape.passes[t - 1].x.as(pass.input()), z);
    if (pass.norm) pass.norm->template forward<1>(atoms, z, of.normalised.as(pass.before_gate), scratch.inverse_norm);
    pass.gate.template forward<1>(atoms, before_gate(pass, of), of.x.as(pass.output));
  }

  static BlockFeatures<Real> before_gate(const Pass& pass, PassTape& tape) {
    return (pass.norm ? tape.normalised : tape.z).as(pass.before_gate);
  }

  /// From dE/dx behind interaction t in dx: to sums of its weights, dE/dx before it by way of the self connection, and
  /// dE/dy of the neighbours.
  void propagate(int t, Tape& tape, const BlockFeatures<Real>& dx, const SharedRows<Real>& rows, Sums& sums,
                 Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    PassTape& of = tape.passes[t];
    PassSums& to = sums.passes[t];
    const int atoms = tape.edges.centres();
    const int species = tape.edges.species;
    const BlockFeatures<Real> z = of.z.as(pass.before_gate);
    const BlockFeatures<Real> dz = scratch.dz.as(pass.before_gate);
    pass.gate.template backward<1>(atoms, before_gate(pass, of), dx, dz);
    if (pass.norm) {
      to.norm->add(atoms, *pass.norm, z, dz);
      pass.norm->template backward<1>(atoms, z, scratch.inverse_norm, dz);
    }
    to.bias[species].add(atoms, dz);
    to.mix_messages.add(atoms, of.messages.as(pass.edges.messages()), dz);
    if (t > 0) connect_back(t, tape, dz, to);
    const BlockFeatures<Real> d_messages = scratch.d_messages.as(pass.edges.messages());
    clear(2 * atoms, d_messages);
    pass.mix_messages.add_transposed(2 * atoms, dz, d_messages);
    if (t < layers())
      model_->prepare_edges(t, static_cast<const DualBlock<Real>&>(tape), scratch.edges, scratch.radial);
    pass.edges.differentiate_in_duals(
        tape.edges, feature_rows(t, rows, sums),
        [&](int path) { return model_->radial().weights(t, path, scratch.radial); }, d_messages, scratch.edges,
        scratch.d_weights);
    const Real* d_weights = scratch.d_weights.data();
    const std::ptrdiff_t plane = std::ptrdiff_t{tape.edges.edges()} * tables_->first(t).back();
    tables_->add_edge_gradients(t, scratch.radial.places, scratch.edges.geometry.radial_distance(1),
                                {d_weights, d_weights + plane}, sums.tables);
  }

  void connect_back(int t, Tape& tape, const BlockFeatures<Real>& dz, PassSums& sums) const {
    const Pass& pass = this->pass(t);
    const int atoms = tape.edges.centres();
    const int species = tape.edges.species;
    const BlockFeatures<Real> dx_before = tape.dx.as(pass.input());
    clear(2 * atoms, dx_before);
    if (!pass.self_connection) return;
    sums.self_connection[sums.self_connection.size() == 1 ? 0 : species].add(atoms,
                                                                             tape.passes[t - 1].x.as(pass.input()), dz);
    pass.self_connection->of(species).add_transposed(2 * atoms, dz, dx_before);
  }

  PassSums make_pass_sums(int t) const {
    const Interaction& of = parameters_->interactions[static_cast<std::size_t>(t)];
    PassSums sums{LinearGradient<Real>(of.mix_input),
                  RowGradient<Real>(pass(t).input()),
                  LinearGradient<Real>(of.mix_messages),
                  {},
                  {},
                  {}};
    if (pass(t).self_connection) {
      const bool shared = of.self_connection_kind == SelfConnectionKind::shared;
      for (std::size_t s = 0; s < (shared ? 1 : species()); ++s)
        sums.self_connection.emplace_back(self_connection_of(*parameters_, of, s));
    }
    sums.bias.assign(species(), RowGradient<Real>(pass(t).before_gate));
    if (pass(t).norm) sums.norm.emplace(pass(t).before_gate);
    return sums;
  }

  static void add(const PassSums& from, PassSums& to) {
    to.mix_input.add(from.mix_input);
    to.mix_input_bias.add(from.mix_input_bias);
    to.mix_messages.add(from.mix_messages);
    for (std::size_t s = 0; s < to.self_connection.size(); ++s) to.self_connection[s].add(from.self_connection[s]);
    for (std::size_t s = 0; s < to.bias.size(); ++s) to.bias[s].add(from.bias[s]);
    if (to.norm) to.norm->add(*from.norm);
  }

  static void add(const Sums& from, int threads, Sums& to) {
    add_passes(from, threads, to, [](const PassSums& more, PassSums& sum) { add(more, sum); });
    add_numbers(from.first_features, to.first_features);
    to.readout.add(from.readout);
  }

  void collect_radial(const Sums& sums, int threads, Parameters& gradient) const {
    std::vector<equivariant::RadialWeights> radial = without_values(family(*parameters_).passes);
    tables_->collect(sums.tables, threads, radial);
    for (std::size_t t = 0; t < radial.size(); ++t) {
      add_layers(radial[t].network.layers, gradient.interactions[t].radial.layers);
      add_numbers(radial[t].basis.frequency, gradient.basis.frequency);
    }
  }

  void collect_rows(const Sums& sums, Parameters& gradient) const {
    const auto stride = static_cast<std::size_t>(model_->stride(0));
    equivariant::Row first;
    for (std::size_t s = 0; s < species(); ++s) {
      const Real* changes = sums.first_features.data() + (2 * s + 1) * stride;
      first.insert(first.end(), changes, changes + stride);
    }
    add_gradient_of_rows_of_species(*parameters_, first, gradient);
    for (std::size_t t = 0; t < sums.passes.size(); ++t) {
      std::vector<equivariant::Row> bias;
      for (const RowGradient<Real>& row : sums.passes[t].bias)
        bias.emplace_back(row.numbers().begin(), row.numbers().end());
      add_gradient_of_bias_rows(*parameters_, t, bias, gradient);
    }
  }

  void collect_pass(std::size_t t, const PassSums& sums, Parameters& gradient) const {
    const Interaction& of = parameters_->interactions[t];
    Interaction& to = gradient.interactions[t];
    sums.mix_messages.add_to(to.mix_messages);
    if (sums.norm) sums.norm->add_to(to.norm->weight);
    if (t == 0) return;
    sums.mix_input.add_to(to.mix_input);
    const std::span<const Real> bias = sums.mix_input_bias.numbers();
    equivariant::add_gradient_of_bias_row(equivariant::Row(bias.begin(), bias.end()), to.mix_input);
    for (std::size_t s = 0; s < sums.self_connection.size(); ++s) {
      EquivariantLinear map = equivariant::zeros_like(self_connection_of(*parameters_, of, s));
      sums.self_connection[s].add_to(map);
      add_gradient_of_self_connection_of(*parameters_, t, s, map, gradient);
    }
  }

  std::shared_ptr<const Parameters> parameters_;
  std::shared_ptr<Tables> tables_;
  std::shared_ptr<Value> model_;
  DualReadout<Real> readout_;
  simd::AlignedVector<Real> first_features_;  // [species][2][stride(0)]
};

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
