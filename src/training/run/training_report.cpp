#include "training/run/training_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <utility>

#include "training/core/choice.hpp"
#include "training/data/training_data.hpp"
#include "training/report/plots.hpp"
#include "training/report/predictions.hpp"
#include "training/report/report.hpp"
#include "training/report/training_summary.hpp"
#include "training/run/early_stopping.hpp"
#include "training/run/output_files.hpp"

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

bool stopped_early(const TrainingOptions& options, const TrainingState& state) {
  return state.epoch < options.optimiser.epochs && is_out_of_patience(options.optimiser, state);
}

constexpr const char* without_validation = "the last, as there was nothing to validate with";

bool was_validated(const TrainingState& state) {
  return std::any_of(state.epochs.begin(), state.epochs.end(), [](const EpochRecord& e) { return e.valid_loss > 0; });
}

std::string best_epoch_text(const TrainingOptions& options, const TrainingState& state) {
  std::string text = fmt::format("{} of {}, {}", state.best_epoch, state.epoch,
                                 was_validated(state) ? "by the validation loss" : without_validation);
  if (stopped_early(options, state))
    text += fmt::format("; stopped early, as {} validations brought no better one", options.optimiser.patience);
  return text;
}

std::string replay_text(const ReplayOptions& replay) {
  return fmt::format("{}, with {}; each counts {} times", fmt::join(names_of(replay.files), ", "),
                     replay.labels == "start" ? "labels by the start" : "labels of its own", replay.weight);
}

Card card_of(const TrainingOptions& options, const Trainable& model, const FinishedModel& finished,
             const TrainingState& state, std::span<const LabelledFrame> train) {
  const OptimiserOptions& o = options.optimiser;
  const LossOptions& l = options.loss;
  Card card;
  card.emplace_back("Architecture", model.title());
  card.emplace_back("Elements", fmt::format("{}", fmt::join(model.species(), " ")));
  card.emplace_back("Cutoff", fmt::format("{} Å", model.cutoff()));
  if (options.start.empty())
    card.emplace_back("Sizes", model.sizes());
  else
    card.emplace_back("Started from", options.start.filename().string());
  card.emplace_back("Parameters", fmt::format("{}", state.weights.size()));
  card.emplace_back("Reference energies (eV)", energies_text(model));
  if (finished.core) card.emplace_back("Core (ZBL, below Å)", describe_core(*finished.core, model.species()));
  if (!options.isolated_atoms.empty()) card.emplace_back("Isolated atoms (eV)", energies_text(options.isolated_atoms));
  card.emplace_back("Trained on", fmt::format("{}", fmt::join(names_of(options.data.train), ", ")));
  if (!options.replay.files.empty()) card.emplace_back("Replay", replay_text(options.replay));
  if (options.low_rank > 0) card.emplace_back("Rank of changes", fmt::format("{}", options.low_rank));
  card.emplace_back("Optimiser", fmt::format("{}, learning rate {:.2g} to {:.2g}, batches of {} structures, {} epochs",
                                             o.method, o.learning_rate, o.learning_rate_end, o.batch_frames, o.epochs));
  card.emplace_back("Loss weights",
                    fmt::format("energy {:.3g} to {:.3g}, forces {:.3g} to {:.3g}, virial {:.3g} to {:.3g}", l.energy,
                                l.energy_end, l.forces, l.forces_end, l.virial, l.virial_end));
  if (const auto weights = describe_weights(train, options.type_weights); !weights.empty())
    card.emplace_back("Weights of structures", fmt::format("{}; errors are without them", fmt::join(weights, "; ")));
  card.emplace_back("Best epoch", best_epoch_text(options, state));
  card.emplace_back("Time", time_text(state.seconds));
  card.emplace_back("Seed", fmt::format("{}", options.seed));
  return card;
}

/// Those of `species` that some structure has: of a universal model's, few.
std::vector<std::string> species_in(const JudgedSets& sets, const std::vector<std::string>& species) {
  std::set<std::string> found;
  for (const auto* frames : {&sets.train, &sets.valid, &sets.test, &sets.replay})
    for (const LabelledFrame& labelled : *frames)
      found.insert(labelled.frame.symbols.begin(), labelled.frame.symbols.end());
  std::vector<std::string> present;
  std::copy_if(species.begin(), species.end(), std::back_inserter(present),
               [&](const std::string& symbol) { return found.count(symbol) > 0; });
  return present;
}

}  // namespace

Provenance provenance_of(const TrainingOptions& options, const TrainingState& state, const std::string& data_sha256) {
  const EpochRecord& best = state.epochs[static_cast<std::size_t>(state.best_epoch - 1)];
  const int epochs = options.optimiser.epochs;
  std::string progress = fmt::format("epoch {} of {}", state.best_epoch, std::max(epochs, state.epoch));
  if (stopped_early(options, state))
    progress += fmt::format(", stopped early after {}", state.epoch);
  else if (state.epoch < epochs)
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
                             const Trainable& model, const FinishedModel& finished, const TrainingState& state,
                             const JudgedSets& sets, int threads) {
  const Potential& potential = *finished.potential;
  TrainingSummary summary;
  summary.title = model_name(output);
  summary.card = card_of(options, model, finished, state, sets.train);
  summary.epochs = state.epochs;
  const auto judge = [&](const char* name, const std::vector<LabelledFrame>& frames) {
    if (!frames.empty()) summary.sets.push_back(judge_set(name, potential, frames, threads));
  };
  judge("train", sets.train);
  judge("valid", sets.valid);
  judge("test", sets.test);
  judge("replay", sets.replay);
  if (sets.replay_before) summary.sets.back().errors_before = sets.replay_before->errors;
  summary.dimers = dimer_curves(potential, species_in(sets, potential.species()));
  write_training_report(report_path(output), summary);
  const std::filesystem::path folder = plots_path(output);
  std::filesystem::create_directories(folder);
  write_training_plots(folder, summary);
  return summary;
}

}  // namespace grapevine
