#include "training/initial_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "formats/model_file.hpp"
#include "formats/safetensors.hpp"
#include "models/reann/extend_species.hpp"
#include "models/reann/file.hpp"
#include "models/reann/random_parameters.hpp"
#include "models/reann/trainable.hpp"
#include "models/registry.hpp"
#include "support/error.hpp"
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

std::map<std::string, double> known_energies(const TrainingOptions& options) {
  std::map<std::string, double> known = options.isolated_atoms;
  if (options.start.empty()) return known;
  const reann::Parameters start = read_start(options.start);
  for (std::size_t s = 0; s < start.species.size(); ++s) known[start.species[s]] = start.energy_shift[s];
  return known;
}

}  // namespace

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
  reann::Parameters parameters;
  const FrameBatch sample = sample_of(frames);
  if (options.start.empty())
    parameters = reann::initial_parameters(sizes_of(options.model, species), seed, sample);
  else
    parameters = reann::extend_species(read_start(options.start), species, seed);
  parameters.energy_shift = fit_reference_energies(labelled, species, known_energies(options));
  const bool shared = options.start.empty() && options.model.shared_mixing;
  reann::InputScaling scaling = reann::scaling_of_inputs(parameters, sample);
  if (options.start.empty()) reann::unscale_inputs(parameters, scaling);
  return reann::make_trainable(std::move(parameters), {shared, options.in_double, std::move(scaling)});
}

}  // namespace grapevine
