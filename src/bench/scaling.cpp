#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "bench/benchmarks.hpp"
#include "bench/cases.hpp"
#include "bench/models.hpp"
#include "bench/results.hpp"
#include "bench/scaling_model.hpp"
#include "bench/statistics.hpp"
#include "models/registry.hpp"
#include "report/line_chart.hpp"
#include "support/error.hpp"

namespace grapevine::bench {
namespace {

/// A box on a number of ranks. In strong scaling the box stays, in weak scaling the atoms per rank.
struct Setup {
  Cells cells{};
  int ranks = 1;

  bool operator<(const Setup& other) const { return std::tie(cells, ranks) < std::tie(other.cells, other.ranks); }
};

std::string name_of(const Case& c, const Setup& setup) {
  return fmt::format("{}-atoms-{}-ranks", c.atoms(setup.cells), setup.ranks);
}

Edges box_of(const Case& c, const Cells& cells) {
  return {c.length * cells[0], c.length * cells[1], c.length * cells[2]};
}

/// As many copies of a box as there are ranks, side by side as close to a cube as they can be.
Cells copies_of(const Cells& cells, int ranks) {
  const Grid grid = grid_of({1, 1, 1}, ranks);
  return {cells[0] * grid[0], cells[1] * grid[1], cells[2] * grid[2]};
}

double step_of(const Run& run) { return run.seconds_per_step(); }

double per_rank(const Run& run, double total) { return total / run.ranks; }

void check_options(const Options& options) {
  if (std::find(options.ranks.begin(), options.ranks.end(), 1) == options.ranks.end())
    throw Error("--ranks: one rank has to be among them, as what the others are compared with");
}

class Scaling {
 public:
  Scaling(const Options& options, const Hooks& hooks)
      : options_(options),
        hooks_(hooks),
        runner_(find_lammps(options.executable, options.ranks.back() > 1), options.output / "runs", hooks),
        results_(options, "Strong and weak scaling"),
        model_(choose_silver(options)),
        case_(silver_case(model_.path, options.precision, model_.random)),
        system_(system_of_case()) {}

  std::string run() {
    runs_ = run_in_turn(jobs(), options_.rounds, hooks_.show);
    results_.add_runs(runs_);
    say_what_was_run();
    report_strong();
    report_weak();
    report_volume();
    results_.add_targets(targets());
    fit();
    report_fit();
    report_projection();
    return results_.write(runner_.commands());
  }

 private:
  System system_of_case() const {
    const auto potential = load_potential(model_.path);
    System system;
    system.atoms_per_volume = case_.atoms_per_volume();
    system.cutoff = potential->cutoff();
    system.skin = skin;
    system.layers = potential->layers();
    system.message_numbers = message_numbers(model_.path);
    system.number_bytes = options_.precision == "mixed" ? 4 : 8;
    return system;
  }

  Setup strong(std::int64_t atoms, int ranks) const { return {cube_of(case_, atoms), ranks}; }
  Setup weak(std::int64_t atoms, int ranks) const { return {copies_of(cube_of(case_, atoms), ranks), ranks}; }

  std::set<Setup> setups() const {
    std::set<Setup> all;
    for (const std::int64_t atoms : options_.atoms)
      for (const int ranks : options_.ranks) all.insert({strong(atoms, ranks), weak(atoms, ranks)});
    return all;
  }

  std::vector<Job> jobs() {
    std::vector<Job> jobs;
    for (const Setup& setup : setups()) {
      const double atoms = static_cast<double>(case_.atoms(setup.cells)) / setup.ranks;
      const int steps = options_.steps > 0 ? options_.steps : std::clamp(static_cast<int>(6.4e6 / atoms), 40, 2000);
      const std::string name = name_of(case_, setup);
      const std::string text = deck(case_, setup.cells, {std::max(2, steps / 4), steps});
      jobs.push_back({name, [this, name, text, ranks = setup.ranks] { return runner_.run(name, text, ranks); }});
    }
    return jobs;
  }

  const std::vector<Run>& runs_of(const Setup& setup) const { return runs_.at(name_of(case_, setup)); }

  void say_what_was_run() {
    results_.json()["silver_model"] = model_.random ? "random weights" : options_.silver_model;
    results_.say(
        fmt::format("Silver, {}, precision {}; whole LAMMPS steps, median (lowest .. highest) over the rounds ({}).",
                    model_.random ? "random weights of the published sizes" : options_.silver_model, options_.precision,
                    options_.rounds));
  }

  void report_strong() {
    std::vector<std::vector<std::string>> rows;
    LineChart chart = time_chart("Strong scaling: the same atoms on more ranks");
    for (const std::int64_t atoms : options_.atoms) {
      const std::vector<Run>& one = runs_of(strong(atoms, 1));
      ChartSeries measured = series(fmt::format("{} atoms", one.front().atoms), chart);
      for (const int ranks : options_.ranks) {
        const std::vector<Run>& runs = runs_of(strong(atoms, ranks));
        const Spread speedup = ratio_of(one, runs, step_of);
        add_point(measured, runs);
        rows.push_back({fmt::format("{}", runs.front().atoms), fmt::format("{}", ranks), text_of(milliseconds(runs)),
                        text_of(speedup), percent(speedup.median / ranks)});
        results_.json()["strong"].push_back({{"atoms", runs.front().atoms},
                                             {"ranks", ranks},
                                             {"milliseconds_per_step", to_json(milliseconds(runs))},
                                             {"speedup", to_json(speedup)}});
      }
      add_ideal(chart, measured, true);
    }
    results_.say("## Strong scaling");
    results_.add_table({"atoms", "ranks", "ms per step", "speed-up over 1 rank", "efficiency"}, rows);
    draw_line_chart(options_.output / "strong.png", chart);
  }

  void report_weak() {
    std::vector<std::vector<std::string>> rows;
    LineChart chart = time_chart("Weak scaling: the same atoms on each rank");
    for (const std::int64_t atoms : options_.atoms) {
      const std::vector<Run>& one = runs_of(weak(atoms, 1));
      ChartSeries measured = series(fmt::format("{} atoms per rank", one.front().atoms), chart);
      for (const int ranks : options_.ranks) {
        const std::vector<Run>& runs = runs_of(weak(atoms, ranks));
        const Spread efficiency = ratio_of(one, runs, step_of);
        add_point(measured, runs);
        rows.push_back({fmt::format("{}", one.front().atoms), fmt::format("{}", ranks), text_of(milliseconds(runs)),
                        percent(efficiency.median)});
        results_.json()["weak"].push_back({{"atoms_per_rank", one.front().atoms},
                                           {"ranks", ranks},
                                           {"milliseconds_per_step", to_json(milliseconds(runs))},
                                           {"efficiency", to_json(efficiency)}});
      }
      add_ideal(chart, measured, false);
    }
    results_.say("## Weak scaling");
    results_.add_table({"atoms per rank", "ranks", "ms per step", "efficiency"}, rows);
    draw_line_chart(options_.output / "weak.png", chart);
  }

  // What a step sends, against the theory: width(t) numbers per halo atom and layer, there and back.
  void report_volume() {
    std::vector<std::vector<std::string>> rows;
    for (const Setup& setup : setups()) {
      const Run& run = runs_of(setup).back();
      if (!run.work) throw Error(fmt::format("the run '{}' has no line of Grapevine's work", name_of(case_, setup)));
      const WorkDone& work = *run.work;
      const double theory = system_.message_numbers * work.halo;
      const bool equal = agrees(work.forward, theory) && agrees(work.reverse, theory);
      const std::string messages =
          work.messages ? fmt::format("{:.4g}", per_rank(run, *work.messages)) : std::string("not counted");
      rows.push_back(
          {fmt::format("{}", run.atoms), fmt::format("{}", run.ranks), fmt::format("{:.6g}", per_rank(run, work.halo)),
           fmt::format("{:.6g}", per_rank(run, work.forward)), fmt::format("{:.6g}", per_rank(run, work.reverse)),
           fmt::format("{:.6g}", per_rank(run, theory)), equal ? "yes" : "NO", messages});
      results_.json()["volume"].push_back({{"atoms", run.atoms},
                                           {"ranks", run.ranks},
                                           {"halo_atoms_per_rank", per_rank(run, work.halo)},
                                           {"numbers_forward_per_rank", per_rank(run, work.forward)},
                                           {"numbers_reverse_per_rank", per_rank(run, work.reverse)},
                                           {"theory_per_rank", per_rank(run, theory)},
                                           {"equal", equal}});
    }
    results_.say("## What was sent, per step and rank");
    results_.add_table({"atoms", "ranks", "halo atoms", "numbers forward", "numbers reverse",
                        "theory: sum of widths x halo atoms", "equal", "messages"},
                       rows);
  }

  // The plugin prints ten digits, and its means over steps are rounded once more.
  static bool agrees(double a, double b) { return std::abs(a - b) <= 1e-8 * std::max(std::abs(a), std::abs(b)); }

  std::vector<Target> targets() const {
    std::vector<Target> all;
    const std::map<std::int64_t, double> bars = {{32000, 1.9}, {4000, 1.7}};
    for (const std::int64_t atoms : options_.atoms) {
      const auto bar = bars.find(case_.atoms(strong(atoms, 1).cells));
      if (bar == bars.end() || std::count(options_.ranks.begin(), options_.ranks.end(), 2) == 0) continue;
      all.push_back({fmt::format("speed-up of 2 ranks, {} atoms", bar->first),
                     ratio_of(runs_of(strong(atoms, 1)), runs_of(strong(atoms, 2)), step_of), false, bar->second, 0});
    }
    return all;
  }

  // Measured where it was counted, from geometry otherwise.
  Load load_of(const Setup& setup) const {
    const Run& run = runs_of(setup).back();
    const Edges box = box_of(case_, setup.cells);
    Load load = estimate_load(system_, box, setup.ranks);
    load.own = per_rank(run, static_cast<double>(run.atoms));
    load.ghosts = run.ghosts;
    if (run.work->messages)
      load.messages = lammps_messages(system_, box, grid_of(box, setup.ranks)) + per_rank(run, *run.work->messages);
    return load;
  }

  void fit() {
    std::vector<Sample> samples;
    for (const Setup& setup : setups()) samples.push_back({load_of(setup), spread_of(runs_of(setup), step_of).median});
    costs_ = fit_costs(samples);
  }

  void report_fit() {
    results_.say("## Model");
    results_.say(
        fmt::format("Fitted to the runs above (docs/scaling.md): {:.4g} us per own atom, {:.4g} us per ghost "
                    "atom, {:.4g} us per message.",
                    1e6 * costs_.own, 1e6 * costs_.ghost, 1e6 * costs_.message));
    std::vector<std::vector<std::string>> rows;
    for (const Setup& setup : setups()) {
      const double measured = spread_of(runs_of(setup), step_of).median;
      const double fitted = step_time(costs_, load_of(setup));
      rows.push_back({fmt::format("{}", case_.atoms(setup.cells)), fmt::format("{}", setup.ranks),
                      fmt::format("{:.4g}", 1e3 * measured), fmt::format("{:.4g}", 1e3 * fitted),
                      fmt::format("{:+.1f} %", 100 * (fitted / measured - 1))});
    }
    results_.add_table({"atoms", "ranks", "measured (ms)", "model (ms)", "difference"}, rows);
    results_.json()["model"] = {{"microseconds_per_own_atom", 1e6 * costs_.own},
                                {"microseconds_per_ghost", 1e6 * costs_.ghost},
                                {"microseconds_per_message", 1e6 * costs_.message},
                                {"assumed_latency_seconds", options_.latency},
                                {"assumed_bandwidth_bytes_per_second", options_.bandwidth}};
  }

  double projected(double atoms, int ranks) const {
    const double edge = std::cbrt(atoms / system_.atoms_per_volume);
    const Load load = estimate_load(system_, {edge, edge, edge}, ranks);
    return projected_step_time(costs_, load, ranks, {options_.latency, options_.bandwidth});
  }

  void report_projection() {
    const auto atoms = static_cast<double>(options_.projected_atoms);
    LineChart chart = time_chart("Projection to a cluster (not measured)");
    chart.x_ticks.clear();
    std::vector<std::vector<std::string>> rows;
    const double alone = projected(atoms, 1);
    ChartSeries line{fmt::format("{:.4g} million atoms, projected", 1e-6 * atoms), {}, {}, {}, {}, 0, false};
    ChartSeries ideal{"the same, ideal", {}, {}, {}, {}, 6, false};
    for (int ranks = fewest_ranks(atoms); ranks <= (1 << 20) && atoms / ranks >= fewest_atoms; ranks *= 2) {
      const double seconds = projected(atoms, ranks);
      add_projected_point(line, ranks, seconds);
      add_projected_point(ideal, ranks, alone / ranks);
      rows.push_back({fmt::format("{}", ranks), fmt::format("{:.0f}", atoms / ranks),
                      fmt::format("{:.4g}", 1e3 * seconds), percent(alone / (ranks * seconds))});
      results_.json()["projection"].push_back(
          {{"ranks", ranks}, {"milliseconds_per_step", 1e3 * seconds}, {"efficiency", alone / (ranks * seconds)}});
    }
    if (rows.empty()) return;
    chart.series.push_back(line);
    chart.series.push_back(ideal);
    add_measured_to(chart);
    chart.notes = {costs_.message > options_.latency
                       ? fmt::format("fitted: {:.3g} us per message;", 1e6 * costs_.message)
                       : fmt::format("assumed: {:.3g} us per message;", 1e6 * options_.latency),
                   fmt::format("assumed: {:.3g} GB/s per rank", 1e-9 * options_.bandwidth)};
    results_.say(fmt::format("## Projection: {:.4g} million atoms on a cluster", 1e-6 * atoms));
    results_.say(
        fmt::format("Not measured: the model above, with cores like these and an assumed network of {:.3g} us "
                    "per message and {:.3g} GB/s per rank; a message costs what was fitted, if that is more.",
                    1e6 * options_.latency, 1e-9 * options_.bandwidth));
    results_.add_table({"ranks", "atoms per rank", "ms per step", "efficiency"}, rows);
    draw_line_chart(options_.output / "projection.png", chart);
  }

  static constexpr double fewest_atoms = 400;  // per rank
  static constexpr double most_atoms = 2e6;    // per rank: what its memory holds

  static int fewest_ranks(double atoms) {
    int ranks = 1;
    while (atoms / ranks > most_atoms) ranks *= 2;
    return ranks;
  }

  void add_measured_to(LineChart& chart) const {
    for (const std::int64_t atoms : options_.atoms) {
      ChartSeries measured = series(fmt::format("{} atoms, measured", case_.atoms(strong(atoms, 1).cells)), chart);
      ChartSeries beyond{"the same, projected", {}, {}, {}, {}, measured.colour, false};
      for (const int ranks : options_.ranks) add_point(measured, runs_of(strong(atoms, ranks)));
      for (int ranks = options_.ranks.back(); static_cast<double>(atoms) / ranks >= fewest_atoms; ranks *= 2)
        add_projected_point(beyond, ranks, projected(static_cast<double>(atoms), ranks));
      chart.series.push_back(measured);
      if (beyond.x.size() > 1) chart.series.push_back(beyond);
    }
  }

  LineChart time_chart(const std::string& title) const {
    LineChart chart;
    chart.title = title;
    chart.x_label = "MPI ranks";
    chart.y_label = "milliseconds per step";
    chart.x_scale = AxisScale::logarithmic;
    chart.y_scale = AxisScale::logarithmic;
    for (const int ranks : options_.ranks) chart.x_ticks.push_back(ranks);
    return chart;
  }

  static ChartSeries series(const std::string& label, const LineChart& chart) {
    return {label, {}, {}, {}, {}, static_cast<int>(chart.series.size() + 1) / 2, true};
  }

  static Spread milliseconds(const std::vector<Run>& runs) {
    return spread_of(runs, [](const Run& run) { return 1e3 * run.seconds_per_step(); });
  }

  static void add_point(ChartSeries& measured, const std::vector<Run>& runs) {
    const Spread time = milliseconds(runs);
    measured.x.push_back(runs.front().ranks);
    measured.y.push_back(time.median);
    measured.low.push_back(time.low);
    measured.high.push_back(time.high);
  }

  static void add_projected_point(ChartSeries& line, int ranks, double seconds) {
    line.x.push_back(ranks);
    line.y.push_back(1e3 * seconds);
  }

  /// Adds the measured series and the one it would be with an efficiency of 1.
  static void add_ideal(LineChart& chart, const ChartSeries& measured, bool falls) {
    ChartSeries ideal{"ideal", measured.x, {}, {}, {}, measured.colour, false};
    for (const double ranks : measured.x) ideal.y.push_back(measured.y.front() / (falls ? ranks : 1));
    chart.series.push_back(measured);
    chart.series.push_back(ideal);
  }

  static std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

  const Options& options_;
  const Hooks& hooks_;
  LammpsRunner runner_;
  Results results_;
  SilverModel model_;
  Case case_;
  System system_;
  Runs runs_;
  Costs costs_;
};

}  // namespace

std::string run_scaling(const Options& given, const Hooks& hooks) {
  Options options = given;
  std::sort(options.ranks.begin(), options.ranks.end());
  options.ranks.erase(std::unique(options.ranks.begin(), options.ranks.end()), options.ranks.end());
  check_options(options);
  options.output = make_output_folder(given);
  return Scaling(options, hooks).run();
}

}  // namespace grapevine::bench
