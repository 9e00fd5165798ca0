#include "cli/evaluate_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/evaluate_output.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "formats/file_endings.hpp"
#include "formats/text/extxyz.hpp"
#include "models/registry.hpp"
#include "report/parity_plot.hpp"
#include "structures/evaluate_batch.hpp"
#include "structures/result_frame.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"
#include "support/output_path.hpp"
#include "threads/interruption.hpp"
#include "threads/thread_count.hpp"
#include "training/report/comparison.hpp"

namespace grapevine {
namespace {

struct EvaluateOptions {
  std::string model;
  std::string structures;
  std::string precision = "double";
  std::string output;
  std::string plot;
  ReferenceKeys keys;
  int threads = 0;
  bool json = false;
};

/// Throws Error if a name given for reference values was in no frame.
void check_keys(const ReferenceKeys& keys, const PotentialErrors& errors) {
  const auto check = [](const std::string& key, const ErrorStatistics& of, const char* what) {
    if (!key.empty() && of.count() == 0)
      throw Error(fmt::format("no structure has reference {} under the name '{}'", what, key));
  };
  check(keys.energy, errors.energy_per_atom, "energies");
  check(keys.forces, errors.forces, "forces");
  check(keys.virial, errors.virial_per_atom, "virials");
}

/// 0 for what is not a file of a size that tells how much there is to read, such as a pipe.
std::uint64_t file_size(const std::filesystem::path& path) {
  if (path.extension() == ".gz") return 0;
  std::error_code problem;
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  return problem ? 0 : size;
}

class Evaluation {
 public:
  Evaluation(const EvaluateOptions& options, const InterruptGuard& guard)
      : options_(options), guard_(guard), threads_(thread_count(options.threads)) {}

  void run() {
    check_outputs();
    const LoadedModel model = load_model(options_.model);
    const auto precision = options_.precision == "mixed" ? Precision::mixed : Precision::double_precision;
    BatchEvaluator evaluator(model.potential, precision, threads_);
    comparison_.emplace(model.potential->species());
    ExtxyzReader reader(options_.structures);
    if (!options_.output.empty()) file_.emplace(options_.output);
    origin_ = {std::filesystem::path(options_.model).filename().string(), model.sha256, options_.precision,
               GRAPEVINE_VERSION};
    output_ = options_.json ? make_json_output(options_.model, options_.structures, origin_) : make_table_output();
    {
      Progress progress(file_size(options_.structures));
      while (next_batch(reader, evaluator)) {
        const std::size_t atoms = treat_batch(evaluator);
        progress.add(frames_.size(), atoms, reader.bytes_read());
      }
    }
    if (done_ == 0) throw Error(fmt::format("{} has no structures; is it empty?", options_.structures));
    finish();
  }

 private:
  void check_outputs() const {
    if (!options_.output.empty()) check_structures_ending(options_.output);
    if (!options_.plot.empty()) check_plot_format(options_.plot);
    const std::vector<std::filesystem::path> inputs = {options_.model, options_.structures};
    const std::vector<std::filesystem::path> outputs = {options_.output, options_.plot};
    for (const std::filesystem::path& output : outputs) check_not_input(output, inputs);
    check_different(outputs);
    if (!options_.plot.empty()) const AtomicFile probe(options_.plot);
  }

  bool next_frame(ExtxyzReader& reader, Frame& frame) const {
    try {
      return reader.next(frame);
    } catch (const Error& error) {
      throw Error(fmt::format("{} (frame {})", error.what(), done_ + frames_.size() + 1));
    }
  }

  bool next_batch(ExtxyzReader& reader, const BatchEvaluator& evaluator) {
    frames_.clear();
    std::size_t atoms = 0;
    for (Frame frame; !evaluator.is_batch(frames_.size(), atoms) && next_frame(reader, frame);) {
      atoms += frame.symbols.size();
      frames_.push_back(std::move(frame));
    }
    return !frames_.empty();
  }

  /// The number of atoms treated.
  std::size_t treat_batch(BatchEvaluator& evaluator) {
    guard_.check();
    const std::vector<BatchEvaluator::Item> items = evaluator.evaluate(frames_);
    std::size_t atoms = 0;
    for (std::size_t f = 0; f < frames_.size(); ++f) {
      treat_frame(frames_[f], items[f]);
      atoms += frames_[f].symbols.size();
    }
    guard_.check();
    return atoms;
  }

  void treat_frame(const Frame& frame, const BatchEvaluator::Item& item) {
    try {
      if (item.problem) std::rethrow_exception(item.problem);
      comparison_->add(done_, frame, find_reference_values(frame, options_.keys), item.result);
    } catch (const Error& error) {
      throw Error(fmt::format("{}:{}: frame {}: {}", options_.structures, frame.line, done_ + 1, error.what()));
    }
    output_->add(done_, frame, item.result);
    if (file_) write_extxyz(file_->stream(), with_results(frame, item.result, origin_));
    ++done_;
  }

  void finish() {
    check_keys(options_.keys, comparison_->errors());
    if (!options_.plot.empty()) draw_parity_plot(options_.plot, comparison_->panels());
    if (file_) file_->commit();
    output_->finish(comparison_->errors());
  }

  const EvaluateOptions& options_;
  const InterruptGuard& guard_;
  int threads_;
  std::optional<Comparison> comparison_;
  Origin origin_;
  std::optional<AtomicFile> file_;
  std::unique_ptr<EvaluateOutput> output_;
  std::vector<Frame> frames_;
  std::size_t done_ = 0;
};

void run_evaluate(const EvaluateOptions& options) {
  const InterruptGuard guard;
  try {
    const Interruptible interruptible([&guard] { guard.check(); });
    Evaluation(options, guard).run();
  } catch (const Interrupted&) {
    // The guard now lets the signal end the program as usual.
  }
}

constexpr const char* evaluate_footer = R"(
Energies, forces and virials of every structure go to standard output, as a table or, with --json, in full.

OUT.extxyz has the structures in input order with their columns and values, and in addition
  energy (eV)   forces (eV/A)   energies (eV, per atom)
  virial (eV, nine numbers, minus the derivative of the energy by strain)
  stress (eV/A^3, nine numbers, ASE's sign: -virial/volume of the cell; between periodic directions only)
  grapevine_model, grapevine_model_sha256 (of its file), grapevine_precision, grapevine_version
What the input has under these names is kept as reference_energy, reference_forces and so on, unless grapevine itself
wrote it (evaluated_by=grapevine), in which case it is replaced.

Reference values, in eV and Angstrom, are looked for under ref_X, dft_X, reference_X, X (capitals do not matter),
X being energy or free_energy, forces or force, virial, virials or stress (ASE's sign and units); --energy-key,
--forces-key and --virial-key name others (a name with "stress" in it is read as stress). Where there are any, a table of
errors follows.

Example:
  grapevine evaluate alloy.safetensors test.extxyz -o results.extxyz --plot parity.png)";

}  // namespace

void add_evaluate_command(CLI::App& app) {
  auto* command = app.add_subcommand("evaluate", "Energies, forces and virials of structures, and their errors");
  const auto options = std::make_shared<EvaluateOptions>();
  command->add_option("MODEL", options->model, "Model file (.safetensors)")->required();
  command->add_option("STRUCTURES", options->structures, "Structures in extended XYZ, plain or compressed by gzip")
      ->required();
  command->add_option("--precision", options->precision, "double, or mixed: float with energies summed in double")
      ->check(CLI::IsMember({"double", "mixed"}))
      ->capture_default_str();
  command->add_option("-o,--output", options->output, "Write the structures with results as extended XYZ");
  command->add_flag("--json", options->json, "Print one JSON object instead of a table");
  command->add_option("--plot", options->plot, "Draw parity plots into this .png, .svg or .pdf file");
  command->add_option("--threads", options->threads, "Number of threads (default: all cores, or OMP_NUM_THREADS)")
      ->check(CLI::Range(1, most_threads));
  command->add_option("--energy-key", options->keys.energy, "Name of the reference energy");
  command->add_option("--forces-key", options->keys.forces, "Name of the reference forces");
  command->add_option("--virial-key", options->keys.virial, "Name of the reference virial or stress");
  command->footer(evaluate_footer);
  command->callback([options] { run_evaluate(*options); });
}

}  // namespace grapevine
