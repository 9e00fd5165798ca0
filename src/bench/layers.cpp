#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/benchmarks.hpp"
#include "bench/cases.hpp"
#include "bench/least_squares.hpp"
#include "bench/models.hpp"
#include "bench/results.hpp"
#include "bench/statistics.hpp"
#include "report/line_chart.hpp"

namespace grapevine::bench {
namespace {

std::string name_of(int layers) { return fmt::format("T = {}", layers); }

double time_of(const Run& run) { return run.microseconds_per_atom_step(); }

std::vector<Job> make_jobs(const Options& options, LammpsRunner& runner) {
  std::vector<Job> jobs;
  for (int layers = 0; layers <= options.most_layers; ++layers) {
    const SilverModel model = random_silver(options.output / "models", layers);
    const Case c = silver_case(model.path, options.precision, model.random);
    const Cells cells = cube_of(c, options.atoms.front());
    const int steps = options.steps > 0
                          ? options.steps
                          : std::clamp(static_cast<int>(3.2e6 / static_cast<double>(c.atoms(cells))), 40, 2000);
    const std::string text = deck(c, cells, {std::max(2, steps / 4), steps});
    jobs.push_back(
        {name_of(layers), [&runner, layers, text] { return runner.run(fmt::format("layers-{}", layers), text, 1); }});
  }
  return jobs;
}

/// What layer t adds to a step, over the cost of T = 0, round by round.
Spread added_by(const Runs& runs, int t) {
  std::vector<double> values;
  const auto& before = runs.at(name_of(t - 1));
  const auto& with = runs.at(name_of(t));
  const auto& first = runs.at(name_of(0));
  for (std::size_t n = 0; n < first.size(); ++n)
    values.push_back((time_of(with[n]) - time_of(before[n])) / time_of(first[n]));
  return spread_of(values);
}

Spread dearest_layer(const Options& options, const Runs& runs) {
  Spread dearest = added_by(runs, 1);
  for (int t = 2; t <= options.most_layers; ++t)
    if (const Spread added = added_by(runs, t); added.median > dearest.median) dearest = added;
  return dearest;
}

/// Every round has its own line.
Spread slope_over_first(const Options& options, const Runs& runs) {
  std::vector<double> values;
  for (std::size_t n = 0; n < runs.at(name_of(0)).size(); ++n) {
    std::vector<double> x;
    std::vector<double> y;
    for (int t = 0; t <= options.most_layers; ++t) {
      x.push_back(t);
      y.push_back(time_of(runs.at(name_of(t))[n]));
    }
    values.push_back(fit_line(x, y).slope / y.front());
  }
  return spread_of(values);
}

void draw(const Options& options, const std::vector<Spread>& times, const Line& line, std::int64_t atoms) {
  ChartSeries measured{"measured", {}, {}, {}, {}, 0, true};
  for (std::size_t t = 0; t < times.size(); ++t) {
    measured.x.push_back(static_cast<double>(t));
    measured.y.push_back(times[t].median);
    measured.low.push_back(times[t].low);
    measured.high.push_back(times[t].high);
  }
  const double last = static_cast<double>(times.size() - 1);
  const ChartSeries fit{
      "straight line", {0, last}, {line.intercept, line.intercept + last * line.slope}, {}, {}, 1, false};
  LineChart chart;
  chart.title = fmt::format("Cost of message layers, {} atoms, 1 rank", atoms);
  chart.x_label = "message layers T";
  chart.x_scale = AxisScale::counting;
  chart.y_label = "microseconds per atom and step";
  chart.series = {measured, fit};
  chart.notes = {fmt::format("{:.3g} + {:.3g} T", line.intercept, line.slope),
                 fmt::format("R\u00b2 = {:.4f}", line.r_squared)};
  draw_line_chart(options.output / "layers.png", chart);
}

void report(const Options& options, const Runs& runs, Results& results) {
  std::vector<std::vector<std::string>> rows;
  std::vector<Spread> times;
  std::vector<double> x, y;
  for (int t = 0; t <= options.most_layers; ++t) {
    const auto& rounds = runs.at(name_of(t));
    times.push_back(spread_of(rounds, time_of));
    x.push_back(t);
    y.push_back(times.back().median);
    rows.push_back({fmt::format("{}", t), fmt::format("{}", rounds.front().atoms), text_of(times.back()),
                    t == 0 ? "" : text_of(added_by(runs, t))});
    results.json()["microseconds_per_atom_step"].push_back(to_json(times.back()));
  }
  const Line line = fit_line(x, y);
  results.say(
      fmt::format("Random weights, sizes of the published silver model; precision {}; median (lowest .. "
                  "highest) over the rounds ({}).",
                  options.precision, options.rounds));
  results.add_table({"T", "atoms", "us per atom and step", "added by this layer / cost of T = 0"}, rows);
  results.say(fmt::format("Straight line: {:.3g} + {:.3g} T us per atom and step, R\u00b2 = {:.4f}.", line.intercept,
                          line.slope, line.r_squared));
  results.json()["line"] = {{"intercept", line.intercept}, {"slope", line.slope}, {"r_squared", line.r_squared}};
  results.add_targets({{"slope of the straight line / cost of T = 0", slope_over_first(options, runs), true, 1.0, 0},
                       {"dearest layer / cost of T = 0", dearest_layer(options, runs), true, 1.0, 0}});
  draw(options, times, line, runs.at(name_of(0)).front().atoms);
}

}  // namespace

std::string run_layers(const Options& given, const Hooks& hooks) {
  Options options = given;
  options.output = make_output_folder(given);
  LammpsRunner runner(find_lammps(options.executable, false), options.output / "runs", hooks);
  Results results(options, "Cost of message layers");
  const Runs runs = run_in_turn(make_jobs(options, runner), options.rounds, hooks.show);
  results.add_runs(runs);
  report(options, runs, results);
  return results.write(runner.commands());
}

}  // namespace grapevine::bench
