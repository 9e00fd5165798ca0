#include "training/data/training_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>

#include "formats/text/extxyz.hpp"
#include "structures/cell.hpp"
#include "support/error.hpp"
#include "training/data/reference_counts.hpp"
#include "training/data/reference_energies.hpp"

namespace grapevine {
namespace {

constexpr std::size_t few_frames = 3;
constexpr double few_angstrom = 0.5;  // no two nuclei of a sane structure are closer
constexpr double many_neighbours = 400;

using Warnings = std::vector<std::string>;

ReannCoordinates coordinates_of(const DataOptions& options) {
  if (options.reann_coordinates == "cartesian") return ReannCoordinates::cartesian;
  if (options.reann_coordinates == "fractional") return ReannCoordinates::fractional;
  return ReannCoordinates::automatic;
}

/// What the first frame of an extended XYZ file has beyond positions, for messages.
std::string names_in(const std::filesystem::path& path) {
  Frame frame;
  try {
    ExtxyzReader(path).next(frame);
  } catch (const Error&) {
    return "";
  }
  std::vector<std::string> names;
  for (const auto& pair : frame.info) names.push_back(pair.first);
  for (const Column& column : frame.columns) names.push_back(column.name);
  return names.empty() ? "; its first frame has nothing beyond positions"
                       : fmt::format("; its first frame has {}", fmt::join(names, ", "));
}

constexpr const char* name_the_keys = "name them with --energy-key, --forces-key, --virial-key";

/// `advice` is what to do where there are no reference values.
std::vector<LabelledFrame> read_file(const std::filesystem::path& path, const DataOptions& options, Warnings& warnings,
                                     const char* advice = name_the_keys) {
  std::vector<LabelledFrame> frames = read_labelled_frames(path, options.keys, coordinates_of(options));
  const std::size_t all = frames.size();
  std::erase_if(frames, [](const LabelledFrame& frame) { return !has_reference(frame); });
  if (frames.empty())
    throw Error(fmt::format("{}: no frame has reference values{}; {}", path.string(), names_in(path), advice));
  if (frames.size() < all)
    warnings.push_back(fmt::format("{}: {} of {} frames have no reference values and are left out", path.string(),
                                   all - frames.size(), all));
  return frames;
}

std::vector<LabelledFrame> read_files(const std::vector<std::filesystem::path>& paths, const DataOptions& options,
                                      Warnings& warnings) {
  std::vector<LabelledFrame> all;
  for (const std::filesystem::path& path : paths) {
    std::vector<LabelledFrame> frames = read_file(path, options, warnings);
    std::move(frames.begin(), frames.end(), std::back_inserter(all));
  }
  return all;
}

/// Structures of replay; all of them if the model to go on from labels them.
std::vector<LabelledFrame> read_replay(const TrainingOptions& options, Warnings& warnings) {
  const std::string advice =
      fmt::format("--replay-labels start takes what the model to start from says, or {}", name_the_keys);
  std::vector<LabelledFrame> all;
  for (const std::filesystem::path& path : options.replay.files) {
    std::vector<LabelledFrame> frames =
        options.replay.labels == "start" ? read_labelled_frames(path, options.data.keys, coordinates_of(options.data))
                                         : read_file(path, options.data, warnings, advice.c_str());
    if (frames.empty()) throw Error(fmt::format("{}: there are no structures in it", path.string()));
    std::move(frames.begin(), frames.end(), std::back_inserter(all));
  }
  for (LabelledFrame& frame : all) frame.type_weight = options.replay.weight;
  return all;
}

/// Structures in memory take about what they take as text.
void check_file_sizes(const TrainingOptions& options) {
  double bytes = 0;
  for (const auto* paths : {&options.data.train, &options.data.valid, &options.data.test, &options.replay.files})
    for (const std::filesystem::path& path : *paths) {
      std::error_code problem;
      const std::uintmax_t size = std::filesystem::file_size(path, problem);
      if (!problem) bytes += static_cast<double>(size);
    }
  check_memory(bytes, available_memory(), "the structures of all files", "train on fewer");
}

void warn_of_files_used_twice(const TrainingOptions& options, Warnings& warnings) {
  const auto warn = [&](const auto& paths, const char* first, const auto& others, const char* second) {
    for (const std::filesystem::path& path : others) {
      std::error_code ignored;
      const bool twice = std::any_of(paths.begin(), paths.end(), [&](const std::filesystem::path& other) {
        return std::filesystem::equivalent(path, other, ignored);
      });
      if (twice)
        warnings.push_back(fmt::format("{} is among the files of both {} and {}", path.string(), first, second));
    }
  };
  const DataOptions& data = options.data;
  warn(data.train, "train", data.valid, "valid");
  warn(data.train, "train", data.test, "test");
  warn(data.valid, "valid", data.test, "test");
  warn(data.train, "train", options.replay.files, "replay");
  warn(data.valid, "valid", options.replay.files, "replay");
}

void check_keys(const DataOptions& options, const DataSummary& train) {
  const auto check = [&](const std::string& key, std::size_t found, const char* what) {
    if (key.empty() || found > 0) return;
    throw Error(fmt::format("{}: no frame has {} under the name '{}'{}", options.train.front().string(), what, key,
                            names_in(options.train.front())));
  };
  check(options.keys.energy, train.with_energy, "an energy");
  check(options.keys.forces, train.with_forces, "forces");
  check(options.keys.virial, train.with_virial, "a virial or stress");
}

/// Without a validation loss there is no best epoch.
void warn_of_useless_validation(const TrainingOptions& options, const TrainingData& data, Warnings& warnings) {
  const std::string consequence = fmt::format(": the model of the last epoch is kept{}",
                                              options.optimiser.patience > 0 ? ", and patience never ends" : "");
  ReferenceCounts counts;
  const auto count = [&](const LabelledFrame& frame) { counts.add(frame.reference, frame.weights_in_loss()); };
  std::for_each(data.valid.begin(), data.valid.end(), count);
  if (data.valid.empty())
    for (const std::size_t f : split_frames(data.train, options.data.split, options.seed).valid) count(data.train[f]);
  const LossOptions& loss = options.loss;
  if (data.valid.empty() && data.report.split_off == 0)
    warnings.push_back("there are no structures to validate with" + consequence);
  else if (!counts.weighed_by(loss.energy, loss.forces, loss.virial))
    warnings.push_back("the structures to validate with have nothing that the loss has a weight for" + consequence);
}

void warn_of_missing(const char* set, const DataSummary& summary, Warnings& warnings) {
  const auto warn = [&](std::size_t have, const char* what) {
    if (have > 0 && have < summary.frames)
      warnings.push_back(
          fmt::format("{} of {} frames of {} have no {}", summary.frames - have, summary.frames, set, what));
  };
  warn(summary.with_energy, "energy");
  warn(summary.with_forces, "forces");
  warn(summary.with_virial, "virial");
}

void check_loss(const LossOptions& loss, const DataSummary& train, Warnings& warnings) {
  const bool wants_virial = loss.virial > 0 || loss.virial_end > 0;
  const std::string stresses = train.stresses_left_out == 0
                                   ? ""
                                   : fmt::format(
                                         "{} of {} frames of train have a stress and are not periodic in three "
                                         "directions: it is left out, as it "
                                         "refers to the volume of a cell; give the virial, in eV, instead",
                                         train.stresses_left_out, train.frames);
  if (wants_virial && train.with_virial == 0)
    throw Error(fmt::format("the loss has a weight of the virial, but no structure of train has a virial{}{}",
                            stresses.empty() ? " or stress" : "; ", stresses));
  if (wants_virial && !stresses.empty()) warnings.push_back(stresses);
  if (!wants_virial && train.with_virial > 0)
    warnings.push_back(fmt::format("{} frames of train have a virial, which is not used: its weight in the loss is 0",
                                   train.with_virial));
  if (train.with_energy == 0) warnings.emplace_back("no structure of train has an energy: energies have no zero");
  if (train.with_forces == 0) warnings.emplace_back("no structure of train has forces: they will be rough");
}

void weigh_by_type(std::vector<LabelledFrame>& frames, const std::map<std::string, double>& weights) {
  for (LabelledFrame& frame : frames) {
    const auto weight = weights.find(frame.config_type);
    if (weight != weights.end()) frame.type_weight = weight->second;
  }
}

void check_types(const std::map<std::string, double>& weights, const TrainingData& data) {
  std::set<std::string> types;
  for (const auto* frames : {&data.train, &data.valid})
    for (const LabelledFrame& frame : *frames) types.insert(frame.config_type);
  types.erase("");
  for (const auto& [type, weight] : weights)
    if (types.count(type) == 0)
      throw Error(fmt::format("--weight {}={}: no structure of train or valid has config_type={}{}", type, weight, type,
                              types.empty() ? "" : fmt::format(", only {}", fmt::join(types, ", "))));
}

void check_weights(const LossOptions& loss, std::span<const LabelledFrame> train) {
  ReferenceCounts all, weighed;
  for (const LabelledFrame& frame : train) {
    all.add(frame.reference);
    weighed.add(frame.reference, frame.weights_in_loss());
  }
  const auto matter = [&](const ReferenceCounts& counts) {
    return counts.weighed_by(loss.energy, loss.forces, loss.virial);
  };
  if (matter(all) && !matter(weighed))
    throw Error("the weights of the structures of train leave nothing to train on: they are all zero");
}

/// Stresses in kbar or GPa look like pressures that no laboratory reaches.
void warn_of_pressures(std::span<const LabelledFrame> train, Warnings& warnings) {
  constexpr double absurd = 1;  // eV/Angstrom^3: 160 GPa
  std::vector<double> pressures;
  for (const LabelledFrame& labelled : train) {
    if (!labelled.reference.virial || !is_bulk(labelled.frame.periodic)) continue;
    double largest = 0;
    for (const double component : *labelled.reference.virial) largest = std::max(largest, std::abs(component));
    pressures.push_back(largest / volume(labelled.frame.cell));
  }
  if (pressures.empty()) return;
  const auto middle = pressures.begin() + static_cast<std::ptrdiff_t>(pressures.size() / 2);
  std::nth_element(pressures.begin(), middle, pressures.end());
  if (*middle <= absurd) return;
  warnings.push_back(fmt::format(
      "the stress of a typical frame of train is {:.3g} eV/A^3, which is {:.3g} GPa: is it in kbar or GPa? "
      "Stresses are in eV/A^3 and positive under tension: VASP's kbar are divided by -1602.18, GPa by 160.218",
      *middle, 160.218 * *middle));
}

/// Energies per atom that are far from all others of their composition are often those of calculations that failed.
void warn_of_outliers(std::span<const LabelledFrame> train, const std::vector<std::string>& species,
                      Warnings& warnings) {
  constexpr double far_off = 0.5;  // eV/atom
  constexpr double many_times = 10;
  constexpr double least_spread = 1e-3;  // eV/atom
  constexpr double most = 0.95;
  const std::vector<EnergyDeviation> deviations = energy_deviations(train, species);  // smallest first
  if (deviations.size() < 3) return;
  const auto usual = static_cast<std::size_t>(most * static_cast<double>(deviations.size() - 1));
  const double spread = std::max(least_spread, std::abs(deviations[usual].energy));
  const double limit = std::max(far_off, many_times * spread);
  const auto count = std::count_if(deviations.begin(), deviations.end(),
                                   [&](const EnergyDeviation& d) { return std::abs(d.energy) > limit; });
  if (count == 0) return;
  const EnergyDeviation& worst = deviations.back();
  warnings.push_back(
      fmt::format("{}: its energy is {:.3g} eV/atom off what its composition suggests, {:.3g} times as far as 95 % of "
                  "all frames{}; "
                  "is it right?",
                  train[worst.frame].place, worst.energy, std::abs(worst.energy / spread),
                  count == 1 ? "" : fmt::format(" ({} more are far off)", count - 1)));
}

std::vector<std::string> species_of(const TrainingOptions& options, const std::vector<std::string>& species,
                                    std::span<const LabelledFrame> train) {
  if (species.empty()) return options.model.species.empty() ? elements_of(train) : options.model.species;
  std::vector<std::string> all = species;
  for (const std::string& added : options.model.species)
    if (std::find(all.begin(), all.end(), added) == all.end()) all.push_back(added);
  return all;
}

void check_frames_have(const std::vector<std::string>& species, std::span<const LabelledFrame> frames,
                       const char* whose = "the model's") {
  for (const LabelledFrame& labelled : frames)
    for (const std::string& symbol : labelled.frame.symbols)
      if (std::find(species.begin(), species.end(), symbol) == species.end())
        throw Error(
            fmt::format("{}: element {} is not one of {}, {}", labelled.place, symbol, whose, fmt::join(species, " ")));
}

std::string without_data_text(const std::vector<std::string>& elements) {
  constexpr std::size_t most = 8;
  const std::size_t named = std::min(most, elements.size());
  return fmt::format("{} of the model's elements {} in no frame of train and may be forgotten: {}{}", elements.size(),
                     elements.size() == 1 ? "is" : "are",
                     fmt::join(elements.begin(), elements.begin() + static_cast<std::ptrdiff_t>(named), ", "),
                     named < elements.size() ? ", ..." : "");
}

/// Elements that a model to go on from knows need no data.
void check_data_of(const std::vector<std::string>& species, const DataSummary& train, bool from_model,
                   Warnings& warnings) {
  std::vector<std::string> without_data;
  for (const std::string& symbol : species) {
    const auto found = train.elements.find(symbol);
    const ElementCount count = found == train.elements.end() ? ElementCount{} : found->second;
    if (count.frames == 0 && !from_model)
      throw Error(fmt::format("no structure of train has the element {}; take it out of species or add data", symbol));
    if (count.frames == 0)
      without_data.push_back(symbol);
    else if (count.frames < few_frames)
      warnings.push_back(fmt::format("element {} is in {} frame{} of train only ({} atom{})", symbol, count.frames,
                                     count.frames == 1 ? "" : "s", count.atoms, count.atoms == 1 ? "" : "s"));
  }
  if (!without_data.empty()) warnings.push_back(without_data_text(without_data));
}

/// Energies that isolated atoms of the model are to have: those given, and those of structures if that is wanted.
std::map<std::string, double> energies_of_isolated_atoms(const TrainingOptions& options,
                                                         std::span<const LabelledFrame> train, Warnings& warnings) {
  std::map<std::string, double> energies = options.isolated_atoms;
  if (!options.data.isolated_atom_frames) return energies;
  const std::map<std::string, double> found = isolated_atom_energies(train);
  if (found.empty())
    throw Error(
        "--isolated-atom-frames: no structure of train is one atom alone with an energy; give energies with "
        "--isolated-atom, or leave it out");
  for (const auto& [symbol, energy] : found) {
    const auto [known, is_new] = energies.try_emplace(symbol, energy);
    if (!is_new && std::abs(known->second - energy) > same_energy)
      warnings.push_back(fmt::format("--isolated-atom {}={} goes before the structure of one atom alone, which has {}",
                                     symbol, known->second, energy));
  }
  return energies;
}

/// Structures of one atom alone tell nothing that is not known, and would decide a validation for nothing.
void leave_out_isolated_atoms(TrainingData& data, const TrainingOptions& options) {
  const auto leave_out = [&](std::vector<LabelledFrame>& frames, bool all, const std::string& why) {
    const std::size_t count = std::erase_if(frames, [&](const LabelledFrame& frame) {
      return is_isolated_atom(frame) && (all || data.report.isolated_atoms.count(frame.frame.symbols[0]) > 0);
    });
    if (count == 0) return;
    data.report.warnings.push_back(fmt::format("{} of {} frames of {} are one atom alone{}", count,
                                               count + frames.size(), &frames == &data.train ? "train" : "valid", why));
  };
  leave_out(data.valid, true, " and left out");
  if (options.data.isolated_atom_frames)
    std::erase_if(data.train, is_isolated_atom);
  else
    leave_out(data.train, false, " and left out, as --isolated-atom says their energies");
  if (data.train.empty()) throw Error("all structures of train are one atom alone: there is nothing to train on");
}

void check_isolated_atoms(const TrainingOptions& options, DataReport& report) {
  for (const auto& [symbol, energy] : options.isolated_atoms)
    if (std::find(report.species.begin(), report.species.end(), symbol) == report.species.end())
      throw Error(fmt::format("--isolated-atom {}={}: no structure of train has this element, only {}", symbol, energy,
                              fmt::join(report.species, ", ")));
  std::erase_if(report.isolated_atoms, [&](const auto& atom) {
    const bool is_strange = std::find(report.species.begin(), report.species.end(), atom.first) == report.species.end();
    if (is_strange)
      report.warnings.push_back(
          fmt::format("{} is there as one atom alone only; the model will not know it", atom.first));
    return is_strange;
  });
  if (report.train.isolated_atoms > 0)
    report.warnings.push_back(
        fmt::format("{} of {} frames of train are one atom alone; --isolated-atom-frames makes their energies those "
                    "that isolated atoms "
                    "of the model have",
                    report.train.isolated_atoms, report.train.frames));
}

void check_neighbours(double cutoff, const DataReport& report, Warnings& warnings) {
  const NeighbourSample& sample = report.neighbours;
  if (sample.frames > 0 && !sample.nearest && report.train.largest > 1)
    throw Error(fmt::format("no atom has a neighbour within the cutoff of {} Angstrom; are the positions in Angstrom?",
                            cutoff));
  if (sample.nearest && *sample.nearest < few_angstrom)
    warnings.push_back(
        fmt::format("the shortest distance is {:.3g} Angstrom; are the positions in Angstrom?", *sample.nearest));
  if (sample.per_atom > many_neighbours)
    warnings.push_back(fmt::format("a cutoff of {} Angstrom means {:.0f} neighbours per atom: training will be slow",
                                   cutoff, sample.per_atom));
}

}  // namespace

std::vector<std::string> describe_weights(std::span<const LabelledFrame> frames,
                                          const std::map<std::string, double>& type_weights) {
  std::vector<std::string> lines;
  for (const auto& [type, weight] : type_weights) {
    // Clang 14 does not capture structured bindings.
    const auto count = std::count_if(frames.begin(), frames.end(),
                                     [&type = type](const auto& frame) { return frame.config_type == type; });
    lines.push_back(fmt::format("{} structures of config_type {} count {} times", count, type, weight));
  }
  Range range;
  std::size_t own = 0;
  for (const LabelledFrame& frame : frames) {
    if (frame.weights == StructureWeights()) continue;
    ++own;
    for (const double weight : {frame.weights.energy, frame.weights.forces, frame.weights.virial})
      range.include(weight);
  }
  if (own > 0)
    lines.push_back(fmt::format("{} structures have weights of their own, from {} to {}", own, range.low, range.high));
  return lines;
}

TrainingData read_training_data(const TrainingOptions& options, const std::vector<std::string>& species) {
  TrainingData data;
  DataReport& report = data.report;
  Warnings& warnings = report.warnings;
  check_file_sizes(options);
  warn_of_files_used_twice(options, warnings);
  data.train = read_files(options.data.train, options.data, warnings);
  data.valid = read_files(options.data.valid, options.data, warnings);
  data.test = read_files(options.data.test, options.data, warnings);
  data.replay = read_replay(options, warnings);
  check_types(options.type_weights, data);
  for (auto* frames : {&data.train, &data.valid}) weigh_by_type(*frames, options.type_weights);
  report.isolated_atoms = energies_of_isolated_atoms(options, data.train, warnings);
  leave_out_isolated_atoms(data, options);
  report.train = summarise(data.train);
  report.valid = summarise(data.valid);
  report.test = summarise(data.test);
  report.replay = summarise(data.replay);
  if (data.valid.empty()) report.split_off = split_frames(data.train, options.data.split, options.seed).valid.size();

  check_weights(options.loss, data.train);
  report.weights = describe_weights(data.train, options.type_weights);
  if (options.replay.weight != 1)
    report.weights.push_back(
        fmt::format("{} structures of replay count {} times", data.replay.size(), options.replay.weight));
  warn_of_useless_validation(options, data, warnings);
  check_keys(options.data, report.train);
  check_loss(options.loss, report.train, warnings);
  warn_of_missing("train", report.train, warnings);
  warn_of_missing("valid", report.valid, warnings);
  warn_of_missing("test", report.test, warnings);

  report.species = species_of(options, species, data.train);
  for (const auto* frames : {&data.train, &data.valid, &data.test}) check_frames_have(report.species, *frames);
  check_frames_have(species, data.replay, "the start's");
  check_isolated_atoms(options, report);
  check_data_of(report.species, report.train, !options.start.empty(), warnings);
  warn_of_pressures(data.train, warnings);
  warn_of_outliers(data.train, report.species, warnings);
  if (options.start.empty())
    report.undetermined = undetermined_elements(data.train, report.species, report.isolated_atoms);

  report.neighbours = sample_neighbours(data.train, report.species, options.model.cutoff);
  check_neighbours(options.model.cutoff, report, warnings);
  const std::size_t atoms = report.train.atoms + report.valid.atoms + report.test.atoms + report.replay.atoms;
  report.bytes = neighbour_list_bytes(report.neighbours.per_atom * static_cast<double>(atoms));
  check_memory(report.bytes, available_memory(), fmt::format("neighbours within {} Angstrom", options.model.cutoff),
               "shorten the cutoff or train on fewer structures");
  return data;
}

}  // namespace grapevine
