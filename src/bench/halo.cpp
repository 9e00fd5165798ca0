#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/benchmarks.hpp"
#include "bench/cases.hpp"
#include "bench/models.hpp"
#include "bench/results.hpp"
#include "bench/statistics.hpp"
#include "report/line_chart.hpp"

namespace grapevine::bench {
namespace {

constexpr double cutoff = 4.0;  // Angstrom, of random_silver

/// What a rank with `own` cells computes, with T layers.
struct Domain {
  int layers = 0;
  Cells own{};
  Cells with_ghosts{};  ///< and cells around as deep as the receptive field and the skin reach
  std::int64_t own_atoms = 0;
  std::int64_t all_atoms = 0;

  std::string name(bool deep) const {
    return fmt::format("{} {}, T = {}", own_atoms, deep ? "deep" : "one cutoff", layers);
  }
};

Domain domain_of(const Case& c, std::int64_t atoms, int layers) {
  Domain domain{layers, cube_of(c, atoms), {}, 0, 0};
  const int depth = static_cast<int>(std::lround(((layers + 1) * cutoff + skin) / c.length));
  for (std::size_t axis = 0; axis < 3; ++axis) domain.with_ghosts[axis] = domain.own[axis] + 2 * depth;
  domain.own_atoms = c.atoms(domain.own);
  domain.all_atoms = c.atoms(domain.with_ghosts);
  return domain;
}

int steps_for(const Options& options, std::int64_t atoms) {
  if (options.steps > 0) return options.steps;
  return std::clamp(static_cast<int>(1.6e6 / static_cast<double>(atoms)), 10, 1000);
}

std::vector<Domain> domains(const Options& options, const Case& c) {
  std::vector<Domain> all;
  for (const std::int64_t atoms : options.atoms)
    for (int layers = 1; layers <= options.most_layers; ++layers) all.push_back(domain_of(c, atoms, layers));
  return all;
}

Case case_of(const Options& options, int layers) {
  const SilverModel model = random_silver(options.output / "models", layers);
  return silver_case(model.path, options.precision, model.random);
}

std::vector<Job> make_jobs(const Options& options, LammpsRunner& runner, const std::vector<Domain>& domains) {
  std::vector<Job> jobs;
  for (const Domain& domain : domains)
    for (const bool deep : {false, true}) {
      const Cells& cells = deep ? domain.with_ghosts : domain.own;
      const int steps = steps_for(options, deep ? domain.all_atoms : domain.own_atoms);
      const std::string text = deck(case_of(options, domain.layers), cells, {std::max(2, steps / 4), steps}, "",
                                    deep ? Boundary::open : Boundary::periodic);
      const std::string file = fmt::format("{}-{}-{}", deep ? "deep" : "one-cutoff", domain.own_atoms, domain.layers);
      jobs.push_back({domain.name(deep), [&runner, file, text] { return runner.run(file, text, 1); }});
    }
  return jobs;
}

/// Microseconds per own atom and step.
double time_per_own_atom(const Run& run, const Domain& domain) {
  return run.microseconds_per_atom_step() * static_cast<double>(run.atoms) / static_cast<double>(domain.own_atoms);
}

Spread times(const Runs& runs, const Domain& domain, bool deep) {
  return spread_of(runs.at(domain.name(deep)), [&](const Run& run) { return time_per_own_atom(run, domain); });
}

Spread price(const Runs& runs, const Domain& domain) {
  return ratio_of(runs.at(domain.name(true)), runs.at(domain.name(false)),
                  [&](const Run& run) { return time_per_own_atom(run, domain); });
}

ChartSeries series_of(const Runs& runs, const std::vector<Domain>& domains, bool deep, int color) {
  ChartSeries series{
      fmt::format("{}, {} own atoms", deep ? "(T + 1) cutoffs" : "one cutoff", domains.front().own_atoms),
      {},
      {},
      {},
      {},
      color,
      true};
  for (const Domain& domain : domains) {
    const Spread time = times(runs, domain, deep);
    series.x.push_back(domain.layers);
    series.y.push_back(time.median);
    series.low.push_back(time.low);
    series.high.push_back(time.high);
  }
  return series;
}

void draw(const Options& options, const Runs& runs, const std::vector<Domain>& domains) {
  LineChart chart;
  chart.title = "Ghosts one cutoff deep and as deep as the receptive field";
  chart.x_label = "message layers T";
  chart.x_scale = AxisScale::counting;
  chart.y_label = "microseconds per own atom and step";
  int color = 0;
  for (std::size_t first = 0; first < domains.size(); first += static_cast<std::size_t>(options.most_layers)) {
    const auto begin = domains.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<Domain> of_size(begin, begin + options.most_layers);
    for (const bool deep : {false, true}) chart.series.push_back(series_of(runs, of_size, deep, color++));
  }
  draw_line_chart(options.output / "halo.png", chart);
}

void report(const Options& options, const Runs& runs, const std::vector<Domain>& domains, Results& results) {
  std::vector<std::vector<std::string>> rows;
  for (const Domain& domain : domains) {
    const Spread ratio = price(runs, domain);
    rows.push_back({fmt::format("{}", domain.own_atoms), fmt::format("{}", domain.layers),
                    fmt::format("{}", domain.all_atoms), text_of(times(runs, domain, false)),
                    text_of(times(runs, domain, true)), text_of(ratio)});
    results.json()["domains"].push_back({{"own_atoms", domain.own_atoms},
                                         {"layers", domain.layers},
                                         {"computed_atoms", domain.all_atoms},
                                         {"one_cutoff", to_json(times(runs, domain, false))},
                                         {"deep", to_json(times(runs, domain, true))},
                                         {"ratio", to_json(ratio)}});
  }
  results.say(
      fmt::format("What a rank with so many own atoms has to do in a large system, with random weights of the silver "
                  "model's sizes and {:g} Angstrom of cutoff; precision {}; one rank; us per own atom and step, median "
                  "(lowest .. highest) over the rounds ({}). One cutoff: only own atoms are computed, in every layer "
                  "(a periodic cube; an exchange between ranks takes no time in it). Deep: all ghosts within (T + 1) "
                  "cutoffs and the skin are computed in every layer as well (an open cube of own atoms and ghosts).",
                  cutoff, options.precision, options.rounds));
  results.add_table({"own atoms", "T", "atoms computed if deep", "one cutoff", "deep", "deep / one cutoff"}, rows);
  draw(options, runs, domains);
}

}  // namespace

std::string run_halo(const Options& given, const Hooks& hooks) {
  Options options = given;
  options.output = make_output_folder(given);
  LammpsRunner runner(find_lammps(options.executable, false), options.output / "runs", hooks);
  Results results(options, "Ghosts one cutoff deep and (T + 1) cutoffs deep");
  const std::vector<Domain> all = domains(options, case_of(options, 1));
  const Runs runs = run_in_turn(make_jobs(options, runner, all), options.rounds, hooks.show);
  results.add_runs(runs);
  report(options, runs, all, results);
  return results.write(runner.commands());
}

}  // namespace grapevine::bench
