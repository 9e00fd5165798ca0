#include "models/reann/trainable_architecture.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "models/isolated_energies.hpp"
#include "models/reann/extend_species.hpp"
#include "models/reann/file.hpp"
#include "models/reann/random_parameters.hpp"
#include "models/reann/trainable.hpp"
#include "support/error.hpp"

namespace grapevine::reann {
namespace {

/// The last number of the readout's stream is set aside where isolated atoms have given energies.
Sizes sizes_of(const TrainingStart& start) {
  const ModelOptions& options = start.options;
  Sizes sizes;
  sizes.species = start.species;
  sizes.cutoff = options.cutoff;
  sizes.layers = options.layers;
  sizes.waves = options.waves;
  sizes.max_order = options.max_order;
  sizes.message_widths = options.message_widths;
  sizes.readout_widths = options.readout_widths;
  sizes.orbitals = options.orbitals;
  sizes.message_blocks = options.message_blocks;
  sizes.readout_blocks = options.readout_blocks;
  sizes.activation = options.activation == "tanh_like" ? ActivationKind::tanh_like : ActivationKind::relu_like;
  sizes.layer_norm = options.layer_norm;
  if (!start.isolated_atoms.empty()) ++sizes.readout_widths.front();
  return sizes;
}

/// Weights by rho of switches that are off for all atoms of the structures, with room for what training changes.
std::vector<std::vector<double>> switch_weights(const Parameters& p, const InputScaling& scaling,
                                                const TrainingStart& start) {
  constexpr double room = 0.1;
  constexpr double least_density = 1e-8;  // of the mean; below, atoms are as good as alone
  const std::vector<double> densities = least_densities(p, scaling, start.structures, start.loneliest);
  std::vector<std::vector<double>> weights;
  for (std::size_t s = 0; s < p.species.size(); ++s) {
    const double at = std::clamp(room * densities[s], least_density, room);
    std::vector<double>& row = weights.emplace_back();
    for (const double mean : scaling.of.back()[s].mean)
      row.push_back(mean > 0 ? switched_off(p.readout[s].activation.kind) / (at * mean * p.orbitals) : 0);
  }
  return weights;
}

class ReannStart final : public StartingModel {
 public:
  explicit ReannStart(Parameters parameters) : parameters_(std::move(parameters)) {}

  const std::vector<std::string>& species() const override { return parameters_.species; }
  ModelOptions options() const override { return options_of(parameters_); }
  std::vector<double> energy_shifts() const override { return parameters_.energy_shift; }

  std::optional<std::vector<std::optional<double>>> isolated_atoms() const override {
    const std::optional<IsolatedAtoms> atoms = held_atoms(parameters_);
    return atoms ? std::optional(atoms->energy) : std::nullopt;
  }

  std::unique_ptr<Trainable> go_on(const TrainingStart& start) const override {
    std::optional<IsolatedAtoms> atoms = atoms_for(start);
    Parameters parameters = parameters_;
    if (atoms) release(parameters);
    parameters = extend_species(std::move(parameters), start.species, start.seed);
    parameters.energy_shift = start.energy_shifts;
    InputScaling scaling = scaling_of_inputs(parameters, start.sample);
    return make_trainable(std::move(parameters), {false, start.in_double, std::move(scaling), std::move(atoms)});
  }

 private:
  /// Isolated atoms that the model holds keep their energies; those of added elements may have some too.
  std::optional<IsolatedAtoms> atoms_for(const TrainingStart& start) const {
    std::optional<IsolatedAtoms> atoms = held_atoms(parameters_);
    if (!atoms) return atoms;
    const IsolatedEnergies given = energies_in_order(start.isolated_atoms, start.species);
    for (std::size_t s = atoms->energy.size(); s < start.species.size(); ++s) {
      atoms->energy.push_back(given[s]);
      atoms->input_weight.push_back(std::vector<double>(atoms->input_weight.back()));
    }
    return atoms;
  }

  Parameters parameters_;
};

class ReannArchitecture final : public TrainableArchitecture {
 public:
  std::vector<std::string> groups() const override { return {"radial", "initial", "mixing", "message", "readout"}; }

  std::vector<std::string> options() const override {
    return {"layers",         "waves",          "max_order",  "orbitals",   "message_widths", "readout_widths",
            "message_blocks", "readout_blocks", "activation", "layer_norm", "shared_mixing"};
  }

  TrainingDefaults defaults() const override { return {}; }

  void check(const ModelOptions& options) const override {
    if (options.readout_widths.empty()) throw Error("model.readout_widths must have at least one width");
    if (options.layers > 0 && options.message_widths.empty())
      throw Error("model.message_widths must have at least one width where there are message layers");
  }

  std::unique_ptr<Trainable> make_new(const TrainingStart& start) const override {
    Parameters parameters = initial_parameters(sizes_of(start), start.seed, start.sample);
    parameters.energy_shift = start.energy_shifts;
    InputScaling scaling = scaling_of_inputs(parameters, start.sample);
    unscale_inputs(parameters, scaling);
    std::optional<IsolatedAtoms> atoms;
    if (!start.isolated_atoms.empty())
      atoms = {energies_in_order(start.isolated_atoms, start.species), switch_weights(parameters, scaling, start)};
    return make_trainable(std::move(parameters),
                          {start.options.shared_mixing, start.in_double, std::move(scaling), std::move(atoms)});
  }

  std::unique_ptr<StartingModel> read(const TensorFile& file) const override {
    return std::make_unique<ReannStart>(read_parameters(file));
  }
};

}  // namespace

const TrainableArchitecture& trainable_architecture() {
  static const ReannArchitecture reann;
  return reann;
}

ModelOptions options_of(const Parameters& p) {
  const auto describe = [](const Network& network, std::vector<int>& widths, int& blocks) {
    widths = {network.input.outputs};
    blocks = static_cast<int>(network.blocks.size());
    if (!network.blocks.empty())
      for (std::size_t s = 0; s + 1 < network.blocks[0].size(); ++s)
        widths.push_back(network.blocks[0][s].linear.outputs);
  };
  ModelOptions options;
  options.architecture = architecture;
  options.species = p.species;
  options.cutoff = p.cutoff;
  options.layers = p.layers;
  options.waves = p.waves;
  options.max_order = p.max_order;
  options.orbitals = p.orbitals;
  if (p.layers > 0) describe(p.message[0][0], options.message_widths, options.message_blocks);
  describe(p.readout[0], options.readout_widths, options.readout_blocks);
  if (held_atoms(p)) --options.readout_widths.front();
  const auto& blocks = p.readout[0].blocks;
  options.layer_norm = !blocks.empty() && blocks[0][0].norm;
  options.activation = p.readout[0].activation.kind == ActivationKind::tanh_like ? "tanh_like" : "relu_like";
  options.shared_mixing = false;
  return options;
}

std::string describe_sizes(const ModelOptions& options) {
  return fmt::format("T = {} message layers, K = {} waves, L = {}, message networks {} x {}, readout {} x {}, {}{}",
                     options.layers, options.waves, options.max_order, fmt::join(options.message_widths, "-"),
                     options.message_blocks, fmt::join(options.readout_widths, "-"), options.readout_blocks,
                     options.activation, options.layer_norm ? ", layer norm" : "");
}

}  // namespace grapevine::reann
