#include "training/training_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

#include "training/output_files.hpp"
#include "training/plots.hpp"
#include "training/predictions.hpp"
#include "training/report.hpp"
#include "training/training_summary.hpp"

namespace grapevine {
namespace {

using Card = std::vector<std::pair<std::string, std::string>>;

std::vector<std::string> names_of(const std::vector<std::filesystem::path>& files) {
  std::vector<std::string> names;
  for (const std::filesystem::path& file : files) names.push_back(file.filename().string());
  return names;
}

std::string time_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.1f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string energies_text(const std::map<std::string, double>& energies) {
  std::vector<std::string> words;
  for (const auto& [symbol, energy] : energies) words.push_back(fmt::format("{} {:.6g}", symbol, energy));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string energies_text(const Trainable& model) {
  std::vector<std::string> words;
  const std::vector<double> shifts = model.energy_shifts();
  for (std::size_t s = 0; s < shifts.size(); ++s)
    words.push_back(fmt::format("{} {:.4f}", model.species()[s], shifts[s]));
  return fmt::format("{}", fmt::join(words, ", "));
}

constexpr const char* without_validation = "the last, as there was nothing to validate with";

bool was_validated(const TrainingState& state) {
  return std::any_of(state.epochs.begin(), state.epochs.end(), [](const EpochRecord& e) { return e.valid_loss > 0; });
}

Card card_of(const TrainingOptions& options, const Trainable& model, const TrainingState& state) {
  const ModelOptions& m = options.model;
  const OptimiserOptions& o = options.optimiser;
  const LossOptions& l = options.loss;
  Card card;
  card.emplace_back("Architecture", "REANN");
  card.emplace_back("Elements", fmt::format("{}", fmt::join(model.species(), " ")));
  card.emplace_back("Cutoff", fmt::format("{} Å", model.cutoff()));
  if (options.start.empty())
    card.emplace_back("Sizes", fmt::format("T = {} message layers, K = {} waves, L = {}, message networks {} x {}, "
                                           "readout {} x {}, {}{}",
                                           m.layers, m.waves, m.max_order, fmt::join(m.message_widths, "-"),
                                           m.message_blocks, fmt::join(m.readout_widths, "-"), m.readout_blocks,
                                           m.activation, m.layer_norm ? ", layer norm" : ""));
  else
    card.emplace_back("Started from", options.start.filename().string());
  card.emplace_back("Parameters", fmt::format("{}", state.weights.size()));
  card.emplace_back("Reference energies (eV)", energies_text(model));
  if (!options.isolated_atoms.empty()) card.emplace_back("Isolated atoms (eV)", energies_text(options.isolated_atoms));
  card.emplace_back("Trained on", fmt::format("{}", fmt::join(names_of(options.data.train), ", ")));
  card.emplace_back("Optimiser", fmt::format("{}, learning rate {:.2g} to {:.2g}, batches of {} structures, {} epochs",
                                             o.method, o.learning_rate, o.learning_rate_end, o.batch_frames, o.epochs));
  card.emplace_back("Loss weights",
                    fmt::format("energy {:.3g} to {:.3g}, forces {:.3g} to {:.3g}, virial {:.3g} to {:.3g}", l.energy,
                                l.energy_end, l.forces, l.forces_end, l.virial, l.virial_end));
  card.emplace_back("Best epoch", fmt::format("{} of {}, {}", state.best_epoch, state.epoch,
                                              was_validated(state) ? "by the validation loss" : without_validation));
  card.emplace_back("Time", time_text(state.seconds));
  card.emplace_back("Seed", fmt::format("{}", options.seed));
  return card;
}

}  // namespace

Provenance provenance_of(const TrainingOptions& options, const TrainingState& state, const std::string& data_sha256) {
  const EpochRecord& best = state.epochs[static_cast<std::size_t>(state.best_epoch - 1)];
  const int epochs = options.optimiser.epochs;
  std::string progress = fmt::format("epoch {} of {}", state.best_epoch, std::max(epochs, state.epoch));
  if (state.epoch < epochs)
    progress += fmt::format(", the {} of {} so far", was_validated(state) ? "best" : "last", state.epoch);
  Provenance provenance;
  provenance.source = options.data.train.front().filename().string();
  provenance.source_sha256 = data_sha256;
  provenance.source_kind = "training data of grapevine train";
  if (was_validated(state))
    provenance.note = fmt::format("{}; RMSE in validation {:.3g} meV/atom, {:.3g} meV/Angstrom", progress,
                                  1e3 * best.valid_energy, 1e3 * best.valid_forces);
  else
    provenance.note = fmt::format("{}, {}; RMSE in training {:.3g} meV/atom, {:.3g} meV/Angstrom", progress,
                                  without_validation, 1e3 * best.train_energy, 1e3 * best.train_forces);
  return provenance;
}

std::filesystem::path report_path(const std::filesystem::path& output) { return beside_model(output, ".report.html"); }

std::filesystem::path plots_path(const std::filesystem::path& output) { return beside_model(output, ".plots"); }

TrainingSummary write_report(const TrainingOptions& options, const std::filesystem::path& output,
                             const Trainable& model, const TrainingState& state, const JudgedSets& sets, int threads) {
  const auto potential = model.potential();
  TrainingSummary summary;
  summary.title = model_name(output);
  summary.card = card_of(options, model, state);
  summary.epochs = state.epochs;
  const auto judge = [&](const char* name, const std::vector<LabelledFrame>& frames) {
    if (!frames.empty()) summary.sets.push_back(judge_set(name, *potential, frames, threads));
  };
  judge("train", sets.train);
  judge("valid", sets.valid);
  judge("test", sets.test);
  summary.dimers = dimer_curves(*potential);
  write_training_report(report_path(output), summary);
  const std::filesystem::path folder = plots_path(output);
  std::filesystem::create_directories(folder);
  write_training_plots(folder, summary);
  return summary;
}

}  // namespace grapevine
