#include "cli/training_progress.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "report/error_statistics.hpp"

namespace grapevine {
namespace {

std::string range_text(const Range& range, const char* form) {
  if (range.empty()) return "-";
  return fmt::format(fmt::runtime(form), range.low, range.high);
}

void print_set(const char* name, const DataSummary& set) {
  if (set.frames == 0) return;
  Range sizes;
  sizes.include(static_cast<double>(set.smallest));
  sizes.include(static_cast<double>(set.largest));
  fmt::print("{:<6} {:>8} {:>10} {:>8} {:>8} {:>8}   {:<14} {}\n", name, set.frames, set.atoms, set.with_energy,
             set.with_forces, set.with_virial, range_text(sizes, "{:.0f} .. {:.0f}"),
             range_text(set.volume_per_atom, "{:.4g} .. {:.4g}"));
}

void print_elements(const DataReport& report) {
  fmt::print("\nelements of train\n");
  for (const std::string& symbol : report.species)
    if (const auto found = report.train.elements.find(symbol); found != report.train.elements.end())
      fmt::print("  {:<4} {:>8} frames {:>10} atoms\n", symbol, found->second.frames, found->second.atoms);
}

void print_neighbours(const NeighbourSample& sample, double cutoff, double bytes) {
  fmt::print("\nwithin {} A: {:.1f} neighbours per atom", cutoff, sample.per_atom);
  if (sample.nearest) fmt::print(", shortest distance {:.3f} A", *sample.nearest);
  fmt::print(" (in {} frames); lists of about {}\n", sample.frames, format_bytes(bytes));
}

std::string errors_text(const ErrorStatistics& errors) {
  constexpr double milli = 1e3;
  if (errors.count() == 0) return "-";
  return fmt::format("MAE {:.3g} RMSE {:.3g}", milli * errors.mean_absolute(), milli * errors.root_mean_square());
}

}  // namespace

void print_data_report(const DataReport& report, double cutoff) {
  fmt::print("{:<6} {:>8} {:>10} {:>8} {:>8} {:>8}   {:<14} {}\n", "data", "frames", "atoms", "energy", "forces",
             "virial", "atoms/frame", "volume/atom (A^3)");
  print_set("train", report.train);
  print_set("valid", report.valid);
  print_set("test", report.test);
  print_set("replay", report.replay);
  if (report.split_off > 0) fmt::print("{} frames of train are set aside for validation\n", report.split_off);
  print_elements(report);
  for (const auto& [symbol, energy] : report.isolated_atoms)
    fmt::print("  an isolated atom of {} has {} eV\n", symbol, energy);
  for (const std::string& line : report.weights) fmt::print("  {} in the loss\n", line);
  if (!report.weights.empty()) fmt::print("  errors are without these weights\n");
  if (!report.undetermined.empty())
    fmt::print("  the compositions do not determine reference energies of {}: those nearest to {} are taken\n",
               fmt::join(report.undetermined, ", "), report.isolated_atoms.empty() ? "zero" : "isolated atoms");
  print_neighbours(report.neighbours, cutoff, report.bytes);
  std::fflush(stdout);
  for (const std::string& warning : report.warnings) fmt::print(stderr, "grapevine: warning: {}\n", warning);
}

TrainingProgress::TrainingProgress(double cutoff, const InterruptGuard& guard) : cutoff_(cutoff), guard_(guard) {}

void TrainingProgress::data_read(const DataReport& report) {
  print_data_report(report, cutoff_);
  const double share = 1 - static_cast<double>(report.split_off) / static_cast<double>(report.train.frames);
  atoms_ = share * static_cast<double>(report.train.atoms) + static_cast<double>(report.replay.atoms);
}

void TrainingProgress::core_chosen(const std::string& text) {
  if (!text.empty()) fmt::print("{}\n", text);
  std::fflush(stdout);
}

void TrainingProgress::model_starts(int model, int models, const std::filesystem::path& output, int epochs_done) {
  model_ = models > 1 ? fmt::format("model {}/{} ", model + 1, models) : "";
  LoggingMonitor::model_starts(model, models, output, epochs_done);
  guard_.allow_saving();
  output_ = output;
  model_file_ = epochs_done > 0 ? output : "";
  epochs_ = 0;
  start_ = Clock::now();
  shown_.reset();
}

void TrainingProgress::epoch_done(const EpochRecord& record, int epochs, double seconds_left) {
  ++epochs_;
  LoggingMonitor::epoch_done(record, epochs, seconds_left);
  model_file_ = output_;
  const auto now = Clock::now();
  if (shown_ && now - *shown_ < line_.interval() && record.epoch < epochs) return;
  shown_ = now;
  line_.show(text(record, epochs, seconds_left));
}

void TrainingProgress::stopped_early(int epoch, int patience) {
  fmt::print("\n{}stopped early after epoch {}: {} validation{} brought no better loss\n", model_, epoch, patience,
             patience == 1 ? "" : "s");
  std::fflush(stdout);
}

void TrainingProgress::model_done(const std::vector<SetResult>& sets, const std::filesystem::path& report) {
  fmt::print("\n{:<6} {:>8}   {:<22} {:<22} {}\n", "errors", "frames", "energy (meV/atom)", "forces (meV/A)",
             "virial (meV/atom)");
  const auto print_errors = [](const std::string& name, std::size_t frames, const PotentialErrors& errors) {
    fmt::print("{:<6} {:>8}   {:<22} {:<22} {}\n", name, frames, errors_text(errors.energy_per_atom),
               errors_text(errors.forces), errors_text(errors.virial_per_atom));
  };
  for (const SetResult& set : sets) {
    print_errors(set.name, set.frames, set.errors);
    if (set.errors_before) print_errors("before", set.frames, *set.errors_before);
  }
  fmt::print("\nreport: {}\n", report.string());
  std::fflush(stdout);
}

double TrainingProgress::atoms_per_second() const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  return seconds > 0 ? atoms_ * epochs_ / seconds : 0;
}

/// Short enough for a terminal of 80 columns: losses of training/validation, RMSE of validation.
std::string TrainingProgress::text(const EpochRecord& record, int epochs, double seconds_left) const {
  constexpr double milli = 1e3;
  const std::string valid = record.valid_loss > 0 ? fmt::format("{:.3g}", record.valid_loss) : "-";
  std::string text =
      fmt::format("{}epoch {}/{} loss {:.3g}/{}", model_, record.epoch, epochs, record.train_loss, valid);
  if (record.valid_energy > 0) text += fmt::format(", {:.3g} meV/atom", milli * record.valid_energy);
  if (record.valid_forces > 0) text += fmt::format(", {:.3g} meV/A", milli * record.valid_forces);
  text += fmt::format(", {:.3g} atoms/s", atoms_per_second());
  if (record.epoch < epochs) text += fmt::format(", {} left", format_duration(seconds_left));
  return text;
}

}  // namespace grapevine
