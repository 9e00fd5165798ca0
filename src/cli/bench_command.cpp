#include "cli/bench_command.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "bench/benchmarks.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"

namespace grapevine {
namespace {

using bench::Options;
using Benchmark = std::string (*)(const Options&, const bench::Hooks&);

void run_benchmark(Benchmark benchmark, Options& options) {
  options.executable = std::filesystem::read_symlink("/proc/self/exe");
  options.program_version = GRAPEVINE_VERSION;
  const InterruptGuard guard;
  try {
    std::string table;
    {
      StatusLine line;
      table = benchmark(options, {[&guard] { guard.check(); }, [&line](const std::string& text) { line.show(text); }});
    }
    fmt::print("{}Everything is in {}\n", table, options.output.string());
  } catch (const Interrupted&) {
    // The guard now lets the signal end the program as usual.
  }
}

/// One benchmark with its options, the same in all of them where they mean the same.
class BenchmarkCommand {
 public:
  BenchmarkCommand(CLI::App* command, const char* output, int rounds, std::vector<std::int64_t> atoms)
      : command_(command), options_(std::make_shared<Options>()) {
    options_->output = output;
    options_->rounds = rounds;
    options_->atoms = std::move(atoms);
    command->add_option("-o,--output", options_->output, "Folder for results.json, table.md, charts, inputs and logs")
        ->capture_default_str();
    command->add_option("--rounds", options_->rounds, "How often everything is run, in turn")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    command->add_option("--steps", options_->steps, "Timed steps of the fastest potential (default: some seconds)")
        ->check(CLI::Range(1, std::numeric_limits<int>::max()));
    command->add_option("--precision", options_->precision, "double or mixed")
        ->check(CLI::IsMember({"double", "mixed"}))
        ->capture_default_str();
  }

  BenchmarkCommand& atoms(const char* help, bool several) {
    auto* option = command_->add_option("--atoms", options_->atoms, help)
                       ->check(CLI::Range(std::int64_t{1}, std::int64_t{2'000'000'000}))
                       ->capture_default_str();
    if (several)
      option->delimiter(',');
    else
      option->expected(1);
    return *this;
  }

  BenchmarkCommand& silver_model() {
    command_->add_option("--silver-model", options_->silver_model,
                         "Model of Ag (default: random weights, sizes of the published model)");
    return *this;
  }

  BenchmarkCommand& run_by(Benchmark benchmark) {
    command_->callback([benchmark, command = command_, options = options_] {
      if (command->get_subcommands().empty()) run_benchmark(benchmark, *options);
    });
    return *this;
  }

  CLI::App* command() const { return command_; }
  Options& options() const { return *options_; }

 private:
  CLI::App* command_;
  std::shared_ptr<Options> options_;  // lives as long as the callback
};

void add_comparison(CLI::App* command) {
  BenchmarkCommand bench(command, "bench-results/potentials", 3, {32000});
  Options& options = bench.options();
  options.ranks = {1};
  bench.atoms("Atoms, rounded to cubes of whole cells", false).silver_model().run_by(bench::run_comparison);
  command->add_option("--alloy-model", options.alloy_model,
                      "Model of Nb, Mo, Ta, W (default: the one that comes with Grapevine)");
  command->add_option("--ranks", options.ranks, "MPI ranks")
      ->expected(1)
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--only", options.only, "Cases to run, of silver,eam,alloy,meam,meam-w,snap")->delimiter(',');
  command->add_flag("--peer-torch", options.peer_torch, "PyTorch REANN on the same atoms too, if PyTorch is installed");
  command->add_option("--python", options.python, "Python with PyTorch and NumPy for --peer-torch");
}

void add_layers(CLI::App* command) {
  BenchmarkCommand bench(command, "bench-results/layers", 3, {32000});
  bench.atoms("Atoms, rounded to cubes of whole cells", false).run_by(bench::run_layers);
  command->add_option("--most-layers", bench.options().most_layers, "Layers of the deepest model")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
}

void add_halo(CLI::App* command) {
  BenchmarkCommand bench(command, "bench-results/halo", 3, {4000, 32000});
  bench.atoms("Own atoms of a rank, rounded to cubes of whole cells", true).run_by(bench::run_halo);
  command->add_option("--most-layers", bench.options().most_layers, "Layers of the deepest model")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
}

void add_scaling(CLI::App* command) {
  BenchmarkCommand bench(command, "bench-results/scaling", 3, {32000, 4000, 500});
  Options& options = bench.options();
  bench.atoms("Atoms, in all (strong) and per rank (weak)", true).silver_model().run_by(bench::run_scaling);
  command->add_option("--ranks", options.ranks, "MPI ranks")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--project-atoms", options.projected_atoms, "Atoms of the projection to a cluster")
      ->check(CLI::Range(std::int64_t{1000}, std::int64_t{1'000'000'000'000}))
      ->capture_default_str();
  command->add_option("--latency", options.latency, "Seconds per message that the projection assumes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--bandwidth", options.bandwidth, "Bytes per second and rank that the projection assumes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void add_memory(CLI::App* command) {
  BenchmarkCommand bench(command, "bench-results/memory", 1, {250'000, 500'000, 1'000'000, 2'000'000});
  bench.atoms("Numbers of atoms, rounded to cubes of whole cells", true).silver_model().run_by(bench::run_memory);
}

void add_water(CLI::App* command) {
  BenchmarkCommand bench(command, "bench-results/water", 3, {});
  Options& options = bench.options();
  bench.run_by(bench::run_water);
  command->add_option("models", options.models, "Model files (.safetensors) that know H and O")->required();
  command->add_option("--molecules", options.molecules, "Molecules of water along each edge of the box")
      ->check(CLI::Range(2, 100))
      ->capture_default_str();
  command->add_option("--peer-mace", options.peer_mace,
                      "File of mace-torch (.model) that the model was imported from; once for each model");
  command->add_option("--python", options.python, "Python with mace-torch for --peer-mace");
}

constexpr const char* bench_footer = R"(
Potentials are run in turn (A B A B ...), and ratios are formed round by round: do it on a machine that does nothing
else. LAMMPS is found as by grapevine lammps. docs/scaling.md tells what is measured and how the projection is made.

Examples:
  grapevine bench --silver-model silver.safetensors --peer-torch
  grapevine bench water spice.safetensors --peer-mace MACE_SPICE.model --python PYTHON_WITH_MACE
  grapevine bench layers
  grapevine bench halo --atoms 4000
  grapevine bench scaling --ranks 1,2,4
  grapevine bench memory --atoms 1000000,10000000)";

}  // namespace

void add_bench_command(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "Time per atom and step beside LAMMPS's own potentials; see its parts");
  command->footer(bench_footer);
  add_comparison(command);
  command->require_subcommand(0, 1);
  add_layers(command->add_subcommand("layers", "Time against the number of message layers"));
  add_halo(command->add_subcommand("halo", "Ghosts one cutoff deep beside ghosts as deep as the receptive field"));
  add_scaling(command->add_subcommand("scaling", "Strong and weak scaling, what is sent, projection to a cluster"));
  add_memory(command->add_subcommand("memory", "Bytes per atom"));
  add_water(command->add_subcommand("water", "Models of liquid water, and mace-torch on the same atoms"));
}

}  // namespace grapevine
