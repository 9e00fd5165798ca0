// Gradients of a loss by all weights of MACE, compiled once for every instruction set and scalar type.
#if defined(GRAPEVINE_MACE_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_MACE_GRADIENT_INL
#undef GRAPEVINE_MACE_GRADIENT_INL
#else
#define GRAPEVINE_MACE_GRADIENT_INL
#endif

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "models/equivariant/training/dual_atoms-inl.hpp"
#include "models/equivariant/training/dual_readout-inl.hpp"
#include "models/equivariant/training/dual_worker-inl.hpp"
#include "models/equivariant/training/gradient_sums.hpp"
#include "models/equivariant/training/linear_gradient-inl.hpp"
#include "models/equivariant/training/radial_tables-inl.hpp"
#include "models/mace/model-inl.hpp"
#include "models/mace/training/gradient.hpp"
#include "models/shared_rows.hpp"
#include "threads/shares.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

using equivariant::add_layers;
using equivariant::add_numbers;
using equivariant::add_passes;
using equivariant::rows_in_duals;
using equivariant::without_values;

/// Gradient kernels of one model, and the model itself. Names of what is computed are those of Interaction.
template <class Real>
class MaceGradient final : public GradientKernels<Parameters> {
  using Tables = RadialTables<Real>;
  using Radial = TableRadial<Real>;
  using Value = MaceModel<Real, Radial>;
  using Pass = typename Value::Pass;

 public:
  static constexpr int block_atoms = 16;
  using Buffer = BlockBuffer<Real, 2 * block_atoms>;

  /// Sums for the weights of one interaction; those that differ from species to species for each.
  struct PassSums {
    LinearGradient<Real> mix_input;  // but of the first, which has sums of rows instead
    std::vector<LinearGradient<Real>> mix_messages;
    std::vector<simd::AlignedVector<Real>> coefficients;
    LinearGradient<Real> mix_product;
    std::vector<LinearGradient<Real>> self_connection;

    template <class Function>
    void for_each(const Function& function) {
      function(mix_input);
      for (auto& sum : mix_messages) function(sum);
      function(mix_product);
      for (auto& sum : self_connection) function(sum);
    }
  };

  struct Sums {
    std::vector<PassSums> passes;
    simd::AlignedVector<Real> first_features;          // [species][2][stride(0)], of which the changes count
    std::vector<RowGradient<Real>> first_connections;  // [species]
    typename Tables::Gradient tables;
    std::vector<typename DualLinearReadout<Real>::Gradient> readouts;  // of all but the last interaction
    typename DualReadout<Real>::Gradient last_readout;

    void clear() {
      for (PassSums& pass : passes) {
        pass.for_each([](auto& sum) { sum.clear(); });
        for (auto& sum : pass.coefficients) std::fill(sum.begin(), sum.end(), Real(0));
      }
      std::fill(first_features.begin(), first_features.end(), Real(0));
      for (auto& row : first_connections) row.clear();
      tables.clear();
      for (auto& sum : readouts) sum.clear();
      last_readout.clear();
    }
  };

  struct PassTape {
    Buffer messages, a, b, x;  // x is what leaves the interaction
    std::array<DualNumber<Real>, block_atoms> inverse_n;
  };

  struct Tape : DualBlock<Real> {
    std::vector<PassTape> passes;
    Buffer dx;  // by way of the self connection that comes next
  };

  struct Scratch {
    EdgeScratch<Real> edges;
    typename Radial::Scratch radial;
    Buffer y, dx, db, da, d_messages;
    simd::AlignedVector<Real> d_weights, d_densities;
    std::array<DualNumber<Real>, block_atoms> d_n;
    typename DualReadout<Real>::Scratch readout;
    double energies[2 * block_atoms] = {};
  };

  explicit MaceGradient(const Parameters& parameters)
      : parameters_(std::make_shared<const Parameters>(parameters)),
        tables_(make_tables(EdgeKinds(parameters).family)),
        model_(std::make_shared<Value>(parameters_, Radial(tables_), EdgeKinds(parameters).kind,
                                       contraction_plans(parameters.interactions), true)),
        readout_(parameters.last_readout, parameters.readout_activation,
                 Layout(parameters.interactions.back().output)) {
    for (std::size_t t = 0; t < parameters.readouts.size(); ++t)
      readouts_.emplace_back(parameters.interactions[t].output, parameters.readouts[t]);
    assign(parameters, 1);
  }

  void assign(const Parameters& parameters, int threads) override {
    parameters_ = std::make_shared<const Parameters>(parameters);
    tables_->assign(EdgeKinds(parameters).family, threads);
    model_->assign(parameters_, threads);
    readout_.assign(parameters.last_readout);
    for (std::size_t t = 0; t < readouts_.size(); ++t) readouts_[t].assign(parameters.readouts[t]);
    first_features_ = rows_in_duals(model_->first_features(), static_cast<std::size_t>(model_->stride(0)));
  }

  std::unique_ptr<GradientWorker> make_worker() const override { return std::make_unique<Worker>(*this); }

  void collect(std::span<const std::unique_ptr<GradientWorker>> workers, Parameters& gradient) const override {
    Sums& sums = static_cast<Worker&>(*workers.front()).sums;
    const auto threads = static_cast<int>(workers.size());
    for (const auto& worker : workers.subspan(1)) add(static_cast<Worker&>(*worker).sums, threads, sums);
    collect_radial(sums, threads, gradient);
    collect_first(sums, gradient);
    run_each(threads, sums.passes.size(), [&](std::size_t t) HWY_ATTR { collect_pass(t, sums.passes[t], gradient); });
    for (std::size_t t = 0; t < sums.readouts.size(); ++t) sums.readouts[t].add_to(gradient.readouts[t]);
    sums.last_readout.add_to(gradient.last_readout);
  }

  const std::shared_ptr<Value>& model() const { return model_; }

  Sums make_sums() const {
    Sums sums{{}, {},
              {}, typename Tables::Gradient(*tables_),
              {}, typename DualReadout<Real>::Gradient(parameters_->last_readout)};
    for (const Interaction& of : parameters_->interactions) sums.passes.push_back(make_sums(of));
    for (const auto& readout : readouts_) sums.readouts.emplace_back(readout);
    sums.first_features.assign(first_features_.size(), Real(0));
    sums.first_connections.assign(species(), RowGradient<Real>(pass(0).output));
    return sums;
  }

  Tape make_tape() const {
    Tape tape;
    for (int t = 0; t <= layers(); ++t) {
      PassTape& of = tape.passes.emplace_back();
      of.messages.fit(pass(t).edges.messages());
      of.a.fit(pass(t).message);
      of.b.fit(pass(t).output);
      of.x.fit(pass(t).output);
      tape.dx.fit(pass(t).input);
    }
    return tape;
  }

  Scratch make_scratch() const {
    Scratch scratch;
    for (int t = 0; t <= layers(); ++t) {
      scratch.d_messages.fit(pass(t).edges.messages());
      scratch.da.fit(pass(t).message);
      scratch.y.fit(pass(t).edges.input());
      for (Buffer* buffer : {&scratch.dx, &scratch.db}) {
        buffer->fit(pass(t).input);
        buffer->fit(pass(t).output);
      }
    }
    return scratch;
  }

  void forward(int t, Tape& tape, const SharedRows<Real>& rows, Sums& sums, Scratch& scratch) const {
    update(t, tape, rows, sums, scratch);
    const Pass& next = pass(t + 1);
    const int planes = 2 * tape.edges.centres();
    const BlockFeatures<Real> y = scratch.y.as(next.edges.input());
    clear(planes, y);
    next.mix_input.add(planes, tape.passes[t].x.as(pass(t).output), y);
    scatter_rows<1>(std::span<const int>(tape.edges.centre), y, rows.features(t + 1), model_->stride(t + 1));
  }

  void readout(Tape& tape, const SharedRows<Real>& rows, Sums& sums, Scratch& scratch) const {
    const int t = layers();
    update(t, tape, rows, sums, scratch);
    const int atoms = tape.edges.centres();
    const BlockFeatures<Real> x = tape.passes[t].x.as(pass(t).output);
    const BlockFeatures<Real> dx = scratch.dx.as(pass(t).output);
    clear(2 * atoms, dx);
    const EnergySeeds<Real, block_atoms> seeds(parameters_->energy_scale, tape.energy_slope);
    readout_.forward(atoms, x, scratch.readout, scratch.energies);
    readout_.backward(atoms, seeds.value, seeds.change, scratch.readout, sums.last_readout, dx);
    propagate(t, tape, dx, rows, sums, scratch);
  }

  void backward(int t, Tape& tape, const SharedRows<Real>& rows, Sums& sums, Scratch& scratch) const {
    const Pass& next = pass(t + 1);
    const int atoms = tape.edges.centres();
    const BlockFeatures<Real> x = tape.passes[t].x.as(pass(t).output);
    const BlockFeatures<Real> dx = scratch.dx.as(next.input);
    if (next.self_connection)
      copy(2 * atoms, tape.dx.as(next.input), dx);
    else
      clear(2 * atoms, dx);
    const BlockFeatures<Real> dy = scratch.y.as(next.edges.input());
    gather_rows<1>(std::span<const int>(tape.edges.centre), rows.gradients(t + 1), model_->stride(t + 1), dy);
    sums.passes[t + 1].mix_input.add(atoms, x, dy);
    next.mix_input.add_transposed(2 * atoms, dy, dx);
    const EnergySeeds<Real, block_atoms> seeds(parameters_->energy_scale, tape.energy_slope);
    readouts_[t].backward(atoms, seeds.value, seeds.change, x, sums.readouts[t], dx);
    propagate(t, tape, dx, rows, sums, scratch);
  }

 private:
  using Worker = DualWorker<Real, MaceGradient>;

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
    const BlockFeatures<Real> a = of.a.as(pass.message);
    clear(2 * atoms, a);
    pass.mix_messages.of(species).add(2 * atoms, messages, a);
    if (pass.has_density) divide_by_density(tape.edges, a, of, scratch);
    const BlockFeatures<Real> b = of.b.as(pass.output);
    pass.contract.of(species).template run<1>(atoms, a, b);
    const BlockFeatures<Real> x = of.x.as(pass.output);
    if (t == 0)
      spread<1>(atoms, model_->first_connections().data() + species * pass.output.size(), x);
    else
      clear(2 * atoms, x);
    if (pass.self_connection) pass.self_connection->of(species).add(2 * atoms, tape.passes[t - 1].x.as(pass.input), x);
    pass.mix_product.add(2 * atoms, b, x);
  }

  void divide_by_density(const EdgeBlock<Real>& edges, const BlockFeatures<Real>& a, PassTape& tape,
                         Scratch& scratch) const {
    const EdgeDensities<Real>& densities = model_->radial().densities(scratch.radial);
    const Real* distance_change = scratch.edges.geometry.radial_distance(1);
    const int atoms = edges.centres();
    for (int c = 0; c < atoms; ++c) {
      DualNumber<Real> n{1, 0};
      for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
        n.value += densities.value[e];
        n.change += densities.slope[e] * distance_change[e];
      }
      tape.inverse_n[c] = {1 / n.value, -n.change / (n.value * n.value)};
      scale_atom_in_duals(atoms, c, tape.inverse_n[c], a);
    }
  }

  /// From dE/dA in da to the gradient by what is divided, and dE/dn, which is left in scratch.
  static void undo_division(int atoms, const BlockFeatures<Real>& a, const BlockFeatures<Real>& da,
                            const PassTape& tape, Scratch& scratch) {
    for (int c = 0; c < atoms; ++c) {
      const DualNumber<Real> outward = DualNumber<Real>{-1, 0} * tape.inverse_n[c];
      scratch.d_n[c] = outward * dot_of_atom_in_duals(atoms, c, a, da);
      scale_atom_in_duals(atoms, c, tape.inverse_n[c], da);
    }
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
    const BlockFeatures<Real> db = scratch.db.as(pass.output);
    clear(2 * atoms, db);
    pass.mix_product.add_transposed(2 * atoms, dx, db);
    to.mix_product.add(atoms, of.b.as(pass.output), dx);
    const BlockFeatures<Real> a = of.a.as(pass.message);
    const BlockFeatures<Real> da = scratch.da.as(pass.message);
    pass.contract.of(species).differentiate_duals(atoms, a, db, da, to.coefficients[species].data());
    if (pass.has_density) undo_division(atoms, a, da, of, scratch);
    const BlockFeatures<Real> d_messages = scratch.d_messages.as(pass.edges.messages());
    clear(2 * atoms, d_messages);
    pass.mix_messages.of(species).add_transposed(2 * atoms, da, d_messages);
    to.mix_messages[to.mix_messages.size() == 1 ? 0 : species].add(atoms, of.messages.as(pass.edges.messages()), da);
    connect_back(t, tape, dx, sums);
    differentiate_edges(t, tape, d_messages, rows, sums, scratch);
  }

  void connect_back(int t, Tape& tape, const BlockFeatures<Real>& dx, Sums& sums) const {
    const Pass& pass = this->pass(t);
    const int atoms = tape.edges.centres();
    const int species = tape.edges.species;
    if (t == 0) sums.first_connections[species].add(atoms, dx);
    if (!pass.self_connection) return;
    sums.passes[t].self_connection[species].add(atoms, tape.passes[t - 1].x.as(pass.input), dx);
    const BlockFeatures<Real> dx_before = tape.dx.as(pass.input);
    clear(2 * atoms, dx_before);
    pass.self_connection->of(species).add_transposed(2 * atoms, dx, dx_before);
  }

  void differentiate_edges(int t, Tape& tape, const BlockFeatures<Real>& d_messages, const SharedRows<Real>& rows,
                           Sums& sums, Scratch& scratch) const {
    const Pass& pass = this->pass(t);
    if (t < layers())
      model_->prepare_edges(t, static_cast<const DualBlock<Real>&>(tape), scratch.edges, scratch.radial);
    pass.edges.differentiate_in_duals(
        tape.edges, feature_rows(t, rows, sums),
        [&](int path) { return model_->radial().weights(t, path, scratch.radial); }, d_messages, scratch.edges,
        scratch.d_weights);
    const Real* d_weights = scratch.d_weights.data();
    const std::ptrdiff_t plane = std::ptrdiff_t{tape.edges.edges()} * tables_->first(t).back();
    EdgeWeightGradients<Real> d{d_weights, d_weights + plane};
    if (pass.has_density) add_density_gradients(tape.edges, scratch, d);
    tables_->add_edge_gradients(t, scratch.radial.places, scratch.edges.geometry.radial_distance(1), d, sums.tables);
  }

  /// dE/dn of the centre is that by the density of each of its edges.
  static void add_density_gradients(const EdgeBlock<Real>& edges, Scratch& scratch, EdgeWeightGradients<Real>& d) {
    const auto count = static_cast<std::size_t>(edges.edges());
    scratch.d_densities.resize(2 * count);
    for (int c = 0; c < edges.centres(); ++c)
      for (int e = edges.first[c]; e < edges.first[c + 1]; ++e) {
        scratch.d_densities[e] = scratch.d_n[c].value;
        scratch.d_densities[count + e] = scratch.d_n[c].change;
      }
    d.d_density = scratch.d_densities.data();
    d.d_density_change = scratch.d_densities.data() + count;
  }

  PassSums make_sums(const Interaction& of) const {
    const auto t = static_cast<std::size_t>(&of - parameters_->interactions.data());
    PassSums sums{LinearGradient<Real>(of.mix_input), {}, {}, LinearGradient<Real>(of.mix_product), {}};
    for (std::size_t s = 0; s < (of.mix_by_species.empty() ? 1 : species()); ++s)
      sums.mix_messages.emplace_back(message_map(of, s));
    for (std::size_t s = 0; s < species(); ++s)
      sums.coefficients.emplace_back(pass(static_cast<int>(t)).contract.of(static_cast<int>(s)).coefficient_size(),
                                     Real(0));
    for (const EquivariantLinear& map : of.self_connection) sums.self_connection.emplace_back(map);
    return sums;
  }

  static void add(const PassSums& from, PassSums& to) {
    to.mix_input.add(from.mix_input);
    for (std::size_t s = 0; s < to.mix_messages.size(); ++s) to.mix_messages[s].add(from.mix_messages[s]);
    for (std::size_t s = 0; s < to.coefficients.size(); ++s) add_numbers(from.coefficients[s], to.coefficients[s]);
    to.mix_product.add(from.mix_product);
    for (std::size_t s = 0; s < to.self_connection.size(); ++s) to.self_connection[s].add(from.self_connection[s]);
  }

  static void add(const Sums& from, int threads, Sums& to) {
    add_passes(from, threads, to, [](const PassSums& more, PassSums& sum) { add(more, sum); });
    add_numbers(from.first_features, to.first_features);
    for (std::size_t s = 0; s < to.first_connections.size(); ++s)
      to.first_connections[s].add(from.first_connections[s]);
    for (std::size_t t = 0; t < to.readouts.size(); ++t) to.readouts[t].add(from.readouts[t]);
    to.last_readout.add(from.last_readout);
  }

  void collect_radial(const Sums& sums, int threads, Parameters& gradient) const {
    std::vector<equivariant::RadialWeights> radial = without_values(EdgeKinds(*parameters_).family.passes);
    tables_->collect(sums.tables, threads, radial);
    for (std::size_t t = 0; t < radial.size(); ++t) {
      add_layers(radial[t].network.layers, gradient.interactions[t].radial.layers);
      add_numbers(radial[t].density, gradient.interactions[t].density);
      add_numbers(radial[t].basis.frequency, gradient.basis.frequency);
    }
  }

  void collect_first(const Sums& sums, Parameters& gradient) const {
    const auto stride = static_cast<std::size_t>(model_->stride(0));
    for (std::size_t s = 0; s < species(); ++s) {
      const Real* changes = sums.first_features.data() + (2 * s + 1) * stride;
      add_gradient_of_first_features(*parameters_, s, equivariant::Row(changes, changes + stride), gradient);
      const std::span<const Real> connection = sums.first_connections[s].numbers();
      add_gradient_of_first_connection(*parameters_, s, equivariant::Row(connection.begin(), connection.end()),
                                       gradient);
    }
  }

  void collect_pass(std::size_t t, const PassSums& sums, Parameters& gradient) const {
    const Interaction& of = parameters_->interactions[t];
    Interaction& to = gradient.interactions[t];
    if (t > 0) sums.mix_input.add_to(to.mix_input);
    for (std::size_t s = 0; s < sums.mix_messages.size(); ++s) {
      EquivariantLinear map = equivariant::zeros_like(message_map(of, s));
      sums.mix_messages[s].add_to(map);
      add_gradient_of_message_map(of, s, map, to);
    }
    const int channels = of.message.front().channels;
    for (std::size_t s = 0; s < species(); ++s) {
      const ContractionKernel<Real>& kernel = pass(static_cast<int>(t)).contract.of(static_cast<int>(s));
      std::vector<double> folded(kernel.plan().monomials().coefficients() * static_cast<std::size_t>(channels), 0.0);
      kernel.add_coefficient_gradient(sums.coefficients[s].data(), folded.data());
      kernel.plan().unfold(folded, s, channels, to.contractions);
    }
    sums.mix_product.add_to(to.mix_product);
    if (t > 0)
      for (std::size_t s = 0; s < sums.self_connection.size(); ++s)
        sums.self_connection[s].add_to(to.self_connection[s]);
  }

  std::shared_ptr<const Parameters> parameters_;
  std::shared_ptr<Tables> tables_;
  std::shared_ptr<Value> model_;
  std::vector<DualLinearReadout<Real>> readouts_;  // of all but the last interaction
  DualReadout<Real> readout_;
  simd::AlignedVector<Real> first_features_;  // [species][2][stride(0)]
};

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
