#include "training/run/initial_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "formats/model_files/model_file.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/core/file.hpp"
#include "models/trainable_registry.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"
#include "threads/shares.hpp"
#include "training/data/reference_energies.hpp"
#include "training/optimisers/low_rank.hpp"
#include "training/options/option_table.hpp"

namespace grapevine {
namespace {

// Enough for means and variances; a moment's work.
constexpr int sample_atoms = 4000;

/// Frames from all over the set.
FrameBatch sample_of(std::span<const PreparedFrame> frames) {
  double atoms = 0;
  for (const PreparedFrame& frame : frames) atoms += frame.atoms();
  const auto stride = static_cast<std::size_t>(std::max(1.0, atoms / sample_atoms));
  FrameBatch sample;
  for (std::size_t f = 0; f < frames.size(); f += stride) sample.add(frames[f]);
  return sample;
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

/// Root mean square of the forces' components; 1 if there are none, or all are zero.
double force_rms(std::span<const PreparedFrame> frames) {
  double squares = 0;
  double count = 0;
  for (const PreparedFrame& frame : frames) {
    if (!frame.reference.forces) continue;
    for (const double component : *frame.reference.forces) squares += component * component;
    count += static_cast<double>(frame.reference.forces->size());
  }
  return squares > 0 ? std::sqrt(squares / count) : 1;
}

std::unique_ptr<StartingModel> read_start(const std::filesystem::path& path) {
  const TensorFile file = TensorFile::read(path);
  const std::string name = read_description(file).architecture;
  const TrainableArchitecture* architecture = find_trainable_architecture(name);
  if (architecture == nullptr)
    throw Error(fmt::format("{}: models of architecture {} cannot be trained, only those of {}", file.name(), name,
                            fmt::join(trainable_architectures(), ", ")));
  return architecture->read(file);
}

/// The energies of all structures by the model, eV.
std::vector<double> energies_of(const Trainable& model, std::span<const PreparedFrame> frames, int threads) {
  std::vector<double> energies(frames.size());
  run_shares(threads, [&](int share) {
    const std::unique_ptr<GradientWorker> worker = model.make_worker();
    for (auto f = static_cast<std::size_t>(share); f < frames.size(); f += static_cast<std::size_t>(threads)) {
      FrameBatch batch;
      batch.add(frames[f]);
      const auto own = static_cast<std::size_t>(batch.own());
      std::vector<double> of_atoms(own);
      std::vector<double> forces(3 * own);
      Output output;
      output.energies = of_atoms.data();
      output.forces = forces.data();
      output.wants_virial = false;
      worker->evaluate(batch, output, 1);
      energies[f] = std::accumulate(of_atoms.begin(), of_atoms.end(), 0.0);
    }
  });
  return energies;
}

/// What the reference energies of the elements have to be shifted by so that the model's energies are those of the
/// structures, as far as that goes: those of another level of theory differ by as much for each atom. Energies of
/// `fixed` elements stay.
std::vector<double> shifts_to_data(const Trainable& model, std::span<const LabelledFrame> labelled,
                                   std::span<const PreparedFrame> frames, const std::map<std::string, double>& fixed,
                                   int threads) {
  const std::vector<double> energies = energies_of(model, frames, threads);
  std::vector<LabelledFrame> rest;
  for (std::size_t f = 0; f < labelled.size(); ++f) {
    if (!labelled[f].reference.energy) continue;
    LabelledFrame& frame = rest.emplace_back();
    frame.frame.symbols = labelled[f].frame.symbols;
    frame.reference.energy = *labelled[f].reference.energy - energies[f];
    frame.weights = labelled[f].weights;
    frame.type_weight = labelled[f].type_weight;
  }
  std::map<std::string, double> unchanged;
  for (const auto& [symbol, energy] : fixed) unchanged[symbol] = 0;
  return fit_reference_energies(rest, model.species(), unchanged, {});
}

void check_isolated_atoms(const TrainingOptions& options, const StartingModel& start) {
  constexpr double tolerance = 1e-6;  // eV
  if (options.isolated_atoms.empty() && !options.data.isolated_atom_frames) return;
  if (start.takes_isolated_atoms()) return;
  const auto atoms = start.isolated_atoms();
  if (!atoms)
    throw Error(
        fmt::format("{} was trained without energies of isolated atoms and cannot be given any now: leave out "
                    "--isolated-atom and --isolated-atom-frames, or train anew without --start",
                    options.start.string()));
  for (std::size_t s = 0; s < start.species().size(); ++s) {
    const std::optional<double>& held = (*atoms)[s];
    const auto given = options.isolated_atoms.find(start.species()[s]);
    if (given == options.isolated_atoms.end()) continue;
    if (!held || std::abs(given->second - *held) > tolerance)
      throw Error(fmt::format("--isolated-atom {}={} contradicts the model to start from, {}, which {}: leave it out",
                              start.species()[s], given->second, options.start.string(),
                              held ? fmt::format("has {} eV", *held) : "leaves it free"));
  }
}

/// Reference energies that the model to start from has.
std::map<std::string, double> known_energies(const StartingModel& start) {
  std::map<std::string, double> known;
  const std::vector<double> energies = start.energy_shifts();
  for (std::size_t s = 0; s < energies.size(); ++s) known[start.species()[s]] = energies[s];
  return known;
}

void check_sizes(const TrainingOptions& options, const TrainingOptions& of_start) {
  const TrainingOptions defaults = default_options(options.model.architecture);
  for (const TrainingOption& option : training_option_table()) {
    if (option.section != "model" || option.key == "species") continue;
    const bool is_there = option.is_of(of_start.model.architecture);
    const std::string wanted = format_option(option, options);
    const std::string there = is_there ? format_option(option, of_start)
                                       : "architecture " + of_start.model.architecture + " and no such option";
    const bool is_typed = options.on_command_line.count(option.name()) > 0;
    if (wanted == there || (!is_typed && wanted == format_option(option, defaults))) continue;
    throw Error(fmt::format("{} {} contradicts the model to start from, {}, which has {}: leave it out",
                            is_typed ? "--" + option.flag : option.name(), wanted, options.start.string(), there));
  }
}

/// Names of parts are those of all architectures.
void check_frozen(const TrainingOptions& options) {
  const std::string& name = options.model.architecture;
  const std::vector<std::string> groups = find_trainable_architecture(name)->groups();
  for (const std::string& part : options.freeze)
    if (std::find(groups.begin(), groups.end(), part) == groups.end())
      throw Error(fmt::format("freeze: models of architecture {} have no part {}, only {}", name, part,
                              fmt::join(groups, ", ")));
}

}  // namespace

std::vector<std::string> adopt_start(TrainingOptions& options) {
  if (options.start.empty()) return {};
  const std::unique_ptr<StartingModel> start = read_start(options.start);
  TrainingOptions of_start;
  of_start.model = start->options();
  of_start.model.trained_basis = options.model.trained_basis;  // how it is trained, not what it is
  check_sizes(options, of_start);
  check_isolated_atoms(options, *start);
  of_start.model.species = options.model.species;
  options.model = of_start.model;
  check_frozen(options);
  return start->species();
}

std::vector<double> starting_energies(const TrainingOptions& options) {
  if (options.start.empty()) return {};
  return read_start(options.start)->energy_shifts();
}

std::optional<Core> core_of_start(const TrainingOptions& options) {
  if (options.start.empty()) return std::nullopt;
  std::optional<Core> core = read_core(TensorFile::read(options.start));
  if (core) with_context(options.start.string(), [&] { check(*core, options.model.cutoff); });
  return core;
}

std::unique_ptr<Trainable> make_initial_model(const TrainingOptions& options, const std::vector<std::string>& species,
                                              std::span<const LabelledFrame> labelled,
                                              std::span<const PreparedFrame> frames, std::uint64_t seed, int threads) {
  std::unique_ptr<StartingModel> model;
  if (!options.start.empty()) {
    model = read_start(options.start);
    check_isolated_atoms(options, *model);
  }
  const std::map<std::string, double> known = model ? known_energies(*model) : std::map<std::string, double>();
  const FrameBatch sample = sample_of(frames);
  FrameBatch all;
  std::vector<int> loneliest;
  if (!options.isolated_atoms.empty()) {
    for (const PreparedFrame& frame : frames) all.add(frame);
    loneliest = loneliest_atoms(frames);
  }
  TrainingStart start{options.model,
                      species,
                      fit_reference_energies(labelled, species, known, options.isolated_atoms),
                      options.isolated_atoms,
                      sample,
                      all,
                      loneliest,
                      seed,
                      options.in_double,
                      force_rms(frames)};
  if (model && options.refit_energies) {
    const auto fixed = model->takes_isolated_atoms() ? options.isolated_atoms : std::map<std::string, double>();
    const std::vector<double> shifts = shifts_to_data(*model->go_on(start), labelled, frames, fixed, threads);
    for (std::size_t s = 0; s < shifts.size(); ++s) start.energy_shifts[s] += shifts[s];
  }
  if (model && options.low_rank > 0) return make_low_rank(model->go_on(start), options.low_rank, seed);
  if (model) return model->go_on(start);
  return find_trainable_architecture(options.model.architecture)->make_new(start);
}

}  // namespace grapevine
