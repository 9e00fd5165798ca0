#include "training/initial_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "formats/model_files/model_file.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/reann/extend_species.hpp"
#include "models/reann/file.hpp"
#include "models/reann/random_parameters.hpp"
#include "models/reann/trainable.hpp"
#include "models/registry.hpp"
#include "support/error.hpp"
#include "training/option_table.hpp"
#include "training/reference_energies.hpp"

namespace grapevine {
namespace {

// Enough for means and variances; a moment's work.
constexpr int sample_atoms = 4000;

reann::Sizes sizes_of(const ModelOptions& options, const std::vector<std::string>& species) {
  reann::Sizes sizes;
  sizes.species = species;
  sizes.cutoff = options.cutoff;
  sizes.layers = options.layers;
  sizes.waves = options.waves;
  sizes.max_order = options.max_order;
  sizes.message_widths = options.message_widths;
  sizes.readout_widths = options.readout_widths;
  sizes.orbitals = options.orbitals;
  sizes.message_blocks = options.message_blocks;
  sizes.readout_blocks = options.readout_blocks;
  sizes.activation =
      options.activation == "tanh_like" ? reann::ActivationKind::tanh_like : reann::ActivationKind::relu_like;
  sizes.layer_norm = options.layer_norm;
  return sizes;
}

/// Frames from all over the set.
FrameBatch sample_of(std::span<const PreparedFrame> frames) {
  double atoms = 0;
  for (const PreparedFrame& frame : frames) atoms += frame.atoms();
  const auto stride = static_cast<std::size_t>(std::max(1.0, atoms / sample_atoms));
  FrameBatch sample;
  for (std::size_t f = 0; f < frames.size(); f += stride) sample.add(frames[f]);
  return sample;
}

reann::Parameters read_start(const std::filesystem::path& path) {
  return reann::read_parameters(TensorFile::read(path));
}

/// For each element of each structure, the atom with the fewest neighbours, if it has any.
std::vector<int> loneliest_atoms(std::span<const PreparedFrame> frames) {
  std::vector<int> atoms;
  int first_atom = 0;
  for (const PreparedFrame& frame : frames) {
    std::map<int, std::pair<std::size_t, int>> least;  // by species: neighbours and atom
    for (int i = 0; i < frame.atoms(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const std::pair<std::size_t, int> candidate(frame.first[at + 1] - frame.first[at], first_atom + i);
      if (candidate.first == 0) continue;
      const auto [found, is_new] = least.try_emplace(frame.species[at], candidate);
      if (!is_new) found->second = std::min(found->second, candidate);
    }
    for (const auto& [species, atom] : least) atoms.push_back(atom.second);
    first_atom += frame.atoms();
  }
  return atoms;
}

/// Weights by rho of switches that are off for all atoms of the structures, with room for what training changes.
std::vector<std::vector<double>> switch_weights(const reann::Parameters& p, const reann::InputScaling& scaling,
                                                std::span<const PreparedFrame> frames) {
  constexpr double room = 0.1;
  constexpr double least_density = 1e-8;  // of the mean; below, atoms are as good as alone
  FrameBatch all;
  for (const PreparedFrame& frame : frames) all.add(frame);
  const std::vector<double> densities = reann::least_densities(p, scaling, all, loneliest_atoms(frames));
  std::vector<std::vector<double>> weights;
  for (std::size_t s = 0; s < p.species.size(); ++s) {
    const double at = std::clamp(room * densities[s], least_density, room);
    std::vector<double>& row = weights.emplace_back();
    for (const double mean : scaling.of.back()[s].mean)
      row.push_back(mean > 0 ? reann::switched_off(p.readout[s].activation.kind) / (at * mean * p.orbitals) : 0);
  }
  return weights;
}

std::vector<std::optional<double>> energies_in_order(const std::map<std::string, double>& energies,
                                                     const std::vector<std::string>& species) {
  std::vector<std::optional<double>> result;
  for (const std::string& symbol : species) {
    const auto found = energies.find(symbol);
    result.push_back(found == energies.end() ? std::nullopt : std::optional(found->second));
  }
  return result;
}

/// The last number of the readout's stream is set aside where isolated atoms have given energies.
reann::Sizes sizes_of(const TrainingOptions& options, const std::vector<std::string>& species) {
  reann::Sizes sizes = sizes_of(options.model, species);
  if (!options.isolated_atoms.empty()) ++sizes.readout_widths.front();
  return sizes;
}

std::unique_ptr<Trainable> make_new_model(const TrainingOptions& options, const std::vector<std::string>& species,
                                          std::span<const LabelledFrame> labelled,
                                          std::span<const PreparedFrame> frames, std::uint64_t seed) {
  const FrameBatch sample = sample_of(frames);
  reann::Parameters parameters = reann::initial_parameters(sizes_of(options, species), seed, sample);
  parameters.energy_shift = fit_reference_energies(labelled, species, {}, options.isolated_atoms);
  reann::InputScaling scaling = reann::scaling_of_inputs(parameters, sample);
  reann::unscale_inputs(parameters, scaling);
  std::optional<reann::IsolatedAtoms> atoms;
  if (!options.isolated_atoms.empty())
    atoms = {energies_in_order(options.isolated_atoms, species), switch_weights(parameters, scaling, frames)};
  return reann::make_trainable(std::move(parameters),
                               {options.model.shared_mixing, options.in_double, std::move(scaling), std::move(atoms)});
}

void check_isolated_atoms(const TrainingOptions& options, const reann::Parameters& start) {
  constexpr double tolerance = 1e-6;  // eV
  if (options.isolated_atoms.empty() && !options.data.isolated_atom_frames) return;
  const auto atoms = reann::held_atoms(start);
  if (!atoms)
    throw Error(
        fmt::format("{} was trained without energies of isolated atoms and cannot be given any now: leave out "
                    "--isolated-atom and --isolated-atom-frames, or train anew without --start",
                    options.start.string()));
  for (std::size_t s = 0; s < start.species.size(); ++s) {
    const auto given = options.isolated_atoms.find(start.species[s]);
    if (given == options.isolated_atoms.end()) continue;
    if (!atoms->energy[s] || std::abs(given->second - *atoms->energy[s]) > tolerance)
      throw Error(fmt::format("--isolated-atom {}={} contradicts the model to start from, {}, which {}: leave it out",
                              start.species[s], given->second, options.start.string(),
                              atoms->energy[s] ? fmt::format("has {} eV", *atoms->energy[s]) : "leaves it free"));
  }
}

/// Isolated atoms that the model to start from holds keep their energies; those of added elements may have some too.
std::optional<reann::IsolatedAtoms> atoms_of_start(const reann::Parameters& start, const TrainingOptions& options,
                                                   const std::vector<std::string>& species) {
  std::optional<reann::IsolatedAtoms> atoms = reann::held_atoms(start);
  if (!atoms) return atoms;
  const std::vector<std::optional<double>> given = energies_in_order(options.isolated_atoms, species);
  for (std::size_t s = atoms->energy.size(); s < species.size(); ++s) {
    atoms->energy.push_back(given[s]);
    atoms->input_weight.push_back(std::vector<double>(atoms->input_weight.back()));
  }
  return atoms;
}

std::unique_ptr<Trainable> make_model_from_start(const TrainingOptions& options,
                                                 const std::vector<std::string>& species,
                                                 std::span<const LabelledFrame> labelled,
                                                 std::span<const PreparedFrame> frames, std::uint64_t seed) {
  reann::Parameters start = read_start(options.start);
  check_isolated_atoms(options, start);
  std::optional<reann::IsolatedAtoms> atoms = atoms_of_start(start, options, species);
  if (atoms) reann::release(start);
  std::map<std::string, double> known;
  for (std::size_t s = 0; s < start.species.size(); ++s) known[start.species[s]] = start.energy_shift[s];
  reann::Parameters parameters = reann::extend_species(std::move(start), species, seed);
  parameters.energy_shift = fit_reference_energies(labelled, species, known, options.isolated_atoms);
  reann::InputScaling scaling = reann::scaling_of_inputs(parameters, sample_of(frames));
  return reann::make_trainable(std::move(parameters), {false, options.in_double, std::move(scaling), std::move(atoms)});
}

ModelOptions options_of(const reann::Parameters& p) {
  const auto describe = [](const reann::Network& network, std::vector<int>& widths, int& blocks) {
    widths = {network.input.outputs};
    blocks = static_cast<int>(network.blocks.size());
    if (!network.blocks.empty())
      for (std::size_t s = 0; s + 1 < network.blocks[0].size(); ++s)
        widths.push_back(network.blocks[0][s].linear.outputs);
  };
  ModelOptions options;
  options.species = p.species;
  options.cutoff = p.cutoff;
  options.layers = p.layers;
  options.waves = p.waves;
  options.max_order = p.max_order;
  options.orbitals = p.orbitals;
  if (p.layers > 0) describe(p.message[0][0], options.message_widths, options.message_blocks);
  describe(p.readout[0], options.readout_widths, options.readout_blocks);
  if (reann::held_atoms(p)) --options.readout_widths.front();
  const auto& blocks = p.readout[0].blocks;
  options.layer_norm = !blocks.empty() && blocks[0][0].norm;
  options.activation = p.readout[0].activation.kind == reann::ActivationKind::tanh_like ? "tanh_like" : "relu_like";
  options.shared_mixing = false;
  return options;
}

void check_sizes(const TrainingOptions& options, const TrainingOptions& of_start) {
  for (const TrainingOption& option : training_option_table()) {
    if (option.section != "model" || option.key == "species") continue;
    const std::string wanted = format_option(option, options);
    const std::string there = format_option(option, of_start);
    const bool is_typed = options.on_command_line.count(option.name()) > 0;
    if (wanted == there || (!is_typed && wanted == format_option(option, {}))) continue;
    throw Error(fmt::format("{} {} contradicts the model to start from, {}, which has {}: leave it out",
                            is_typed ? "--" + option.flag : option.name(), wanted, options.start.string(), there));
  }
}

}  // namespace

std::vector<std::string> adopt_start(TrainingOptions& options) {
  if (options.start.empty()) return {};
  load_start(options.start);
  const reann::Parameters start = read_start(options.start);
  TrainingOptions of_start;
  of_start.model = options_of(start);
  check_sizes(options, of_start);
  check_isolated_atoms(options, start);
  of_start.model.species = options.model.species;
  options.model = of_start.model;
  return start.species;
}

std::shared_ptr<const Potential> load_start(const std::filesystem::path& path) {
  const TensorFile file = TensorFile::read(path);
  const std::string architecture = read_description(file).architecture;
  if (architecture != reann::architecture)
    throw Error(fmt::format("{}: models of architecture {} cannot be trained, only those of {}", file.name(),
                            architecture, reann::architecture));
  return make_potential(file);
}

std::unique_ptr<Trainable> make_initial_model(const TrainingOptions& options, const std::vector<std::string>& species,
                                              std::span<const LabelledFrame> labelled,
                                              std::span<const PreparedFrame> frames, std::uint64_t seed) {
  if (options.start.empty()) return make_new_model(options, species, labelled, frames, seed);
  return make_model_from_start(options, species, labelled, frames, seed);
}

}  // namespace grapevine
