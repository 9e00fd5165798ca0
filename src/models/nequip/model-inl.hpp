// The NequIP model, compiled once for every instruction set and scalar type.
#if defined(GRAPEVINE_NEQUIP_MODEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_MODEL_INL
#undef GRAPEVINE_NEQUIP_MODEL_INL
#else
#define GRAPEVINE_NEQUIP_MODEL_INL
#endif

#include <algorithm>
#include <memory>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/model.hpp"
#include "models/nequip/layout.hpp"
#include "models/nequip/node-inl.hpp"
#include "models/nequip/path_kernels-inl.hpp"
#include "models/nequip/radial-inl.hpp"
#include "models/nequip/species_rows.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

/// NequIP as a layered model. Pass t is interaction t. With x_t what enters it and z_t what enters its gate, the
/// features that the engine exchanges before pass t are y_t = mix_input_t( x_t ): what edges need, and nothing else.
///
///   state[t]  z_t for own atoms from forward(t) on, since x_(t+1) = gate(z_t) and its slope are cheap; after
///             backward(t) dE/dx_t by way of the self connection, which is no business of other ranks.
///
/// y_0 and the self connection of x_0 follow from the species.
template <class Real, class Radial>
class NequipModel final : public Model<Real> {
 public:
  /// The parameters must have passed check().
  NequipModel(const Parameters& parameters, Radial radial)
      : cutoff_(parameters.cutoff),
        radial_(std::move(radial)),
        first_features_(rows_of_species<Real>(parameters)),
        energy_scale_(parameters.energy_scale),
        energy_shift_(parameters.energy_shift),
        readout_(parameters, Layout(parameters.interactions.back().gate.outputs())) {
    for (std::size_t t = 0; t < parameters.interactions.size(); ++t) passes_.emplace_back(parameters, t);
  }

  double cutoff() const override { return cutoff_; }
  int layers() const override { return static_cast<int>(passes_.size()) - 1; }
  int width(int t) const override { return stride(t); }
  int stride(int t) const override { return static_cast<int>(passes_[t].input.size()); }
  int state_width(int t) const override {
    const std::ptrdiff_t before_gate = t < layers() ? passes_[t].before_gate.size() : 0;
    return static_cast<int>(std::max(before_gate, t > 0 ? passes_[t].input.size() : 0));
  }
  bool gives_edge_gradient(int) const override { return true; }
  int block_size() const override { return Radial::block_atoms; }

  std::unique_ptr<Workspace> make_workspace() const override {
    auto scratch = std::make_unique<Scratch>();
    for (const Pass& pass : passes_) {
      scratch->messages.fit(pass.messages);
      for (Buffer* buffer : {&scratch->z, &scratch->dz}) buffer->fit(pass.before_gate);
      for (Buffer* buffer : {&scratch->x, &scratch->dx}) {
        buffer->fit(pass.input);
        buffer->fit(pass.output);
      }
    }
    scratch->readout = readout_.make_scratch(Radial::block_atoms);
    return scratch;
  }

  void forward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const BlockFeatures<Real> x = update(t, block, scratch);
    const Pass& pass = passes_[t];
    const std::span<const int> centres = block.edges.centre;
    scatter_rows(centres, scratch.z.as(pass.before_gate), block.state[t], state_width(t));
    const Pass& next = passes_[t + 1];
    const BlockFeatures<Real> y = scratch.dx.as(next.input);
    spread(block.edges.centres(), next.input_bias.data(), y);
    next.mix_input.add(block.edges.centres(), x, y);
    scatter_rows(centres, y, block.features[t + 1], next.input.size());
  }

  void readout(const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const int t = layers();
    const int atoms = block.edges.centres();
    const int species = block.edges.species;
    const BlockFeatures<Real> x = update(t, block, scratch);
    const BlockFeatures<Real> dx = scratch.dx.as(passes_[t].output);
    clear(atoms, dx);
    readout_.run(atoms, x, scratch.readout, block.energy, dx);
    for (int a = 0; a < atoms; ++a) block.energy[a] = energy_scale_[species] * block.energy[a] + energy_shift_[species];
    scale(atoms, static_cast<Real>(energy_scale_[species]), dx);
    propagate(t, block, dx, scratch);
  }

  void backward(int t, const Block<Real>& block, Workspace& workspace) const override {
    auto& scratch = static_cast<Scratch&>(workspace);
    const Pass& pass = passes_[t];
    const Pass& next = passes_[t + 1];
    const std::span<const int> centres = block.edges.centre;
    const BlockFeatures<Real> dy = scratch.x.as(next.input);
    const BlockFeatures<Real> dx = scratch.dx.as(next.input);
    gather_rows(centres, block.gradients[t + 1], next.input.size(), dy);
    gather_rows(centres, block.state[t + 1], state_width(t + 1), dx);
    next.mix_input.add_transposed(block.edges.centres(), dy, dx);
    gather_rows(centres, block.state[t], state_width(t), scratch.z.as(pass.before_gate));
    prepare_edges(t, block, scratch);
    propagate(t, block, dx, scratch);
  }

 private:
  using Weights = typename Radial::Weights;
  using Kernel = PathKernel<Real, Weights>;
  static constexpr int block_atoms = Radial::block_atoms;

  struct Buffer {
    simd::AlignedVector<Real> numbers;

    void fit(const Layout& layout) {
      numbers.resize(std::max(numbers.size(), static_cast<std::size_t>(layout.size()) * block_atoms));
    }
    BlockFeatures<Real> as(const Layout& layout) { return {&layout, block_atoms, numbers.data()}; }
  };

  struct Scratch final : Workspace {
    EdgeGeometry<Real> geometry;
    typename Radial::Scratch radial;
    simd::AlignedVector<Real> couplings;  // [places of all couplings][edge stride]
    std::vector<std::ptrdiff_t> offset;   // [edges] of the neighbour's row
    Buffer messages, z, dz, x, dx;
    typename ReadoutKernel<Real>::Scratch readout;
  };

  /// A path, ready to run.
  struct PassPath {
    Kernel kernel;
    int input;  // irreps of the neighbours
    int edge_order;
    int places;  // before those of its coupling
  };
  struct PassCoupling {
    std::tuple<int, int, int> orders;
    Kernel kernel;
    int places;
  };

  struct Pass {
    Pass(const Parameters& parameters, std::size_t t) : Pass(parameters, parameters.interactions[t], t == 0) {}

    Pass(const Parameters& parameters, const Interaction& interaction, bool first)
        : input(interaction.input),
          messages(interaction.messages()),
          before_gate(interaction.gate.inputs()),
          output(interaction.gate.outputs()),
          input_bias(bias_row<Real>(interaction.mix_input)),
          bias(first ? first_bias_rows<Real>(parameters) : bias_rows<Real>(interaction)),
          mix_input(interaction.mix_input),
          mix_messages(interaction.mix_messages),
          gate(interaction.gate) {
      if (!first)
        for (const EquivariantLinear& linear : interaction.self_connection) self_connection.emplace_back(linear);
      for (const Path& path : interaction.paths) add(interaction, path);
    }

    void add(const Interaction& interaction, const Path& path) {
      const int l1 = interaction.input[path.input].order;
      highest_order = std::max(highest_order, path.edge_order);
      const std::tuple orders(l1, path.edge_order, path.order);
      auto coupling =
          std::find_if(couplings.begin(), couplings.end(), [&](const auto& c) { return c.orders == orders; });
      if (coupling == couplings.end()) {
        const Kernel kernel = find_path_kernel<Real, Weights>(l1, path.edge_order, path.order);
        coupling = couplings.insert(couplings.end(), {orders, kernel, places});
        places += kernel.places;
      }
      paths.push_back({coupling->kernel, path.input, path.edge_order, coupling->places});
    }

    const std::vector<Real>& bias_of(int species) const { return bias.size() == 1 ? bias[0] : bias[species]; }

    Layout input, messages, before_gate, output;
    std::vector<Real> input_bias;         // y without x
    std::vector<std::vector<Real>> bias;  // [1 or species] z without messages and self connection
    LinearKernel<Real> mix_input, mix_messages;
    std::vector<LinearKernel<Real>> self_connection;  // none, one, or one for each species
    GateKernel<Real> gate;
    std::vector<PassPath> paths;
    std::vector<PassCoupling> couplings;
    int places = 0;
    int highest_order = 0;
  };

  void prepare_edges(int t, const Block<Real>& block, Scratch& scratch) const {
    const Pass& pass = passes_[t];
    compute_geometry(block.edges, pass.highest_order, scratch.geometry);
    radial_.prepare(t, scratch.geometry, scratch.radial);
    const std::ptrdiff_t stride = scratch.geometry.stride;
    const auto size = static_cast<std::size_t>(pass.places * stride);
    if (scratch.couplings.size() < size) scratch.couplings.resize(size);
    for (const PassCoupling& coupling : pass.couplings)
      coupling.kernel.couple(scratch.geometry, scratch.couplings.data() + coupling.places * stride);
    if (scratch.offset.size() < static_cast<std::size_t>(block.edges.edges()))
      scratch.offset.resize(block.edges.edges());
    for (int e = 0; e < block.edges.edges(); ++e) {
      const int j = block.edges.neighbour[e];
      scratch.offset[e] = (t == 0 ? block.species[j] : j) * pass.input.size();
    }
  }

  /// x_(t+1) of the block's centres, in scratch.x; leaves z_t in scratch.z and the edges prepared.
  BlockFeatures<Real> update(int t, const Block<Real>& block, Scratch& scratch) const {
    const Pass& pass = passes_[t];
    const int atoms = block.edges.centres();
    const int species = block.edges.species;
    prepare_edges(t, block, scratch);
    sum_messages(t, block, scratch);
    const BlockFeatures<Real> z = scratch.z.as(pass.before_gate);
    if (!pass.self_connection.empty()) {
      const Pass& before = passes_[t - 1];
      const BlockFeatures<Real> z_before = scratch.dz.as(before.before_gate);
      const BlockFeatures<Real> x_before = scratch.x.as(pass.input);
      gather_rows(std::span<const int>(block.edges.centre), block.state[t - 1], state_width(t - 1), z_before);
      before.gate.forward(atoms, z_before, x_before);
    }
    spread(atoms, pass.bias_of(species).data(), z);
    pass.mix_messages.add(atoms, scratch.messages.as(pass.messages), z);
    if (const LinearKernel<Real>* linear = self_connection(pass, species))
      linear->add(atoms, scratch.x.as(pass.input), z);
    const BlockFeatures<Real> x = scratch.x.as(pass.output);
    pass.gate.forward(atoms, z, x);
    return x;
  }

  static const LinearKernel<Real>* self_connection(const Pass& pass, int species) {
    if (pass.self_connection.empty()) return nullptr;
    return &pass.self_connection[pass.self_connection.size() == 1 ? 0 : species];
  }

  /// From dE/dx_(t+1) in dx, z_t in scratch.z and prepared edges: to dE/dx_t of the centres, dE/dy_t of their
  /// neighbours and dE/dd of their edges.
  void propagate(int t, const Block<Real>& block, const BlockFeatures<Real>& dx, Scratch& scratch) const {
    const Pass& pass = passes_[t];
    const int atoms = block.edges.centres();
    const BlockFeatures<Real> dz = scratch.dz.as(pass.before_gate);
    pass.gate.backward(atoms, scratch.z.as(pass.before_gate), dx, dz);
    if (t > 0) {
      const BlockFeatures<Real> dx_before = scratch.x.as(pass.input);
      clear(atoms, dx_before);
      if (const LinearKernel<Real>* linear = self_connection(pass, block.edges.species))
        linear->add_transposed(atoms, dz, dx_before);
      scatter_rows(std::span<const int>(block.edges.centre), dx_before, block.state[t], state_width(t));
    }
    const BlockFeatures<Real> d_messages = scratch.messages.as(pass.messages);
    clear(atoms, d_messages);
    pass.mix_messages.add_transposed(atoms, dz, d_messages);
    clear_geometry_gradient(pass.highest_order, scratch.geometry);
    differentiate_messages(t, block, scratch);
    edge_gradients(pass.highest_order, scratch.geometry, block.edge_gradient);
  }

  /// Calls function(strip kind, first channel) for all channels of a path, in strips as wide as the kernels go.
  template <class Functions, class Function>
  static void for_each_strip(int channels, const Functions& functions, const Function& function) {
    int channel = 0;
    for (int kind = strip_kinds - 1; kind >= 0; --kind) {
      const int strip = Line<Real>::lanes << kind;
      if (functions[kind] == nullptr) continue;
      for (; channel + strip <= channels; channel += strip) function(kind, channel);
    }
  }

  Neighbours<Real> neighbours(int t, int input, const Block<Real>& block, const Scratch& scratch) const {
    const Layout& layout = passes_[t].input;
    const std::ptrdiff_t offset = layout.offset(input);
    return {(t == 0 ? first_features_.data() : block.features[t]) + offset,
            t == 0 ? nullptr : block.gradients[t] + offset, scratch.offset.data(), layout.channels(input)};
  }

  // All centres of a block take a strip of channels before the next is begun: its part of the splines stays in cache.
  void sum_messages(int t, const Block<Real>& block, Scratch& scratch) const {
    const Pass& pass = passes_[t];
    const EdgeGeometry<Real>& geometry = scratch.geometry;
    const BlockFeatures<Real> messages = scratch.messages.as(pass.messages);
    for (std::size_t p = 0; p < pass.paths.size(); ++p) {
      const PassPath& path = pass.paths[p];
      const Neighbours<Real> from = neighbours(t, path.input, block, scratch);
      const Weights weights = radial_.weights(t, static_cast<int>(p), scratch.radial);
      const int row = pass.messages.channels(static_cast<int>(p));
      for_each_strip(row, path.kernel.sum, [&](int kind, int channel) {
        for (int c = 0; c < block.edges.centres(); ++c) {
          const CentreEdges<Real> edges{block.edges.first[c], block.edges.first[c + 1],
                                        scratch.couplings.data() + path.places * geometry.stride, geometry.stride};
          path.kernel.sum[kind](edges, from, weights, channel,
                                messages.of(static_cast<int>(p)) + c * pass.messages.size(static_cast<int>(p)), row);
        }
      });
    }
  }

  void differentiate_messages(int t, const Block<Real>& block, Scratch& scratch) const {
    const Pass& pass = passes_[t];
    EdgeGeometry<Real>& geometry = scratch.geometry;
    const BlockFeatures<Real> d_messages = scratch.messages.as(pass.messages);
    for (std::size_t p = 0; p < pass.paths.size(); ++p) {
      const PassPath& path = pass.paths[p];
      const Neighbours<Real> from = neighbours(t, path.input, block, scratch);
      const Weights weights = radial_.weights(t, static_cast<int>(p), scratch.radial);
      const int row = pass.messages.channels(static_cast<int>(p));
      for_each_strip(row, path.kernel.gradient, [&](int kind, int channel) {
        for (int c = 0; c < block.edges.centres(); ++c) {
          const CentreEdges<Real> edges{block.edges.first[c], block.edges.first[c + 1],
                                        scratch.couplings.data() + path.places * geometry.stride, geometry.stride};
          path.kernel.gradient[kind](edges, from, weights, channel,
                                     d_messages.of(static_cast<int>(p)) + c * pass.messages.size(static_cast<int>(p)),
                                     row, geometry.d_distance.data(), geometry.d_harmonics(path.edge_order));
        }
      });
    }
  }

  static void scale(int atoms, Real factor, const BlockFeatures<Real>& x) {
    for (int i = 0; i < x.layout->count(); ++i)
      for (std::ptrdiff_t n = 0; n < x.layout->size(i) * atoms; ++n) x.of(i)[n] *= factor;
  }

  double cutoff_;
  Radial radial_;
  std::vector<Real> first_features_;  // [species][stride(0)] y_0
  std::vector<double> energy_scale_;
  std::vector<double> energy_shift_;
  ReadoutKernel<Real> readout_;
  std::vector<Pass> passes_;
};

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
