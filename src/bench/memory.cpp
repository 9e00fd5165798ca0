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
#include "support/error.hpp"

namespace grapevine::bench {
namespace {

std::string name_of(const Case& c, std::int64_t atoms) { return fmt::format("{}-{}", c.name, atoms); }

double peak_of(const Run& run) { return static_cast<double>(run.peak_bytes); }

void check_sizes(const std::vector<std::int64_t>& atoms) {
  const auto [least, most] = std::minmax_element(atoms.begin(), atoms.end());
  if (cube_of(eam_case(), *most) == cube_of(eam_case(), *least))
    throw Error("--atoms: a slope needs two different sizes at least");
}

std::vector<Case> make_cases(const Options& options) {
  const SilverModel model = choose_silver(options);
  return {silver_case(model.path, options.precision, model.random), eam_case()};
}

std::vector<Job> make_jobs(const Options& options, const std::vector<Case>& cases, LammpsRunner& runner) {
  std::vector<Job> jobs;
  for (const std::int64_t atoms : options.atoms)
    for (const Case& c : cases) {
      const std::string name = name_of(c, atoms);
      const std::string text = deck(c, cube_of(c, atoms), {1, options.steps > 0 ? options.steps : 5});
      jobs.push_back({name, [&runner, name, text] { return runner.run(name, text, 1); }});
    }
  return jobs;
}

struct Growth {
  std::vector<double> atoms;
  std::vector<double> bytes;
  Line line;
};

Growth growth_of(const Options& options, const Case& c, const Runs& runs) {
  Growth growth;
  for (const std::int64_t atoms : options.atoms) {
    const std::vector<Run>& rounds = runs.at(name_of(c, atoms));
    growth.atoms.push_back(static_cast<double>(rounds.front().atoms));
    growth.bytes.push_back(spread_of(rounds, peak_of).median);
  }
  growth.line = fit_line(growth.atoms, growth.bytes);
  return growth;
}

void draw(const Options& options, const std::vector<Case>& cases, const std::vector<Growth>& growths) {
  LineChart chart;
  chart.title = "Memory of a LAMMPS process, 1 rank";
  chart.x_label = "million atoms";
  chart.y_label = "peak resident memory (GB)";
  chart.x_scale = AxisScale::from_zero;
  for (std::size_t n = 0; n < cases.size(); ++n) {
    const Growth& growth = growths[n];
    ChartSeries series{cases[n].label, {}, {}, {}, {}, static_cast<int>(n), true};
    for (std::size_t i = 0; i < growth.atoms.size(); ++i) {
      series.x.push_back(1e-6 * growth.atoms[i]);
      series.y.push_back(1e-9 * growth.bytes[i]);
    }
    chart.series.push_back(series);
    chart.notes.push_back(fmt::format("{}: {:.0f} bytes per atom", cases[n].label, growth.line.slope));
  }
  draw_line_chart(options.output / "memory.png", chart);
}

void report(const Options& options, const std::vector<Case>& cases, const Runs& runs, Results& results) {
  std::vector<std::vector<std::string>> rows;
  std::vector<Growth> growths;
  for (const Case& c : cases) {
    growths.push_back(growth_of(options, c, runs));
    const Growth& growth = growths.back();
    for (std::size_t n = 0; n < growth.atoms.size(); ++n)
      rows.push_back({c.label, fmt::format("{:.0f}", growth.atoms[n]), fmt::format("{:.3f}", 1e-9 * growth.bytes[n])});
    results.json()["bytes_per_atom"][c.name] = growth.line.slope;
    results.json()["bytes_at_rest"][c.name] = growth.line.intercept;
  }
  results.say(fmt::format("Peak resident memory of one LAMMPS process on 1 rank, precision {}.", options.precision));
  results.add_table({"potential", "atoms", "peak (GB)"}, rows);
  std::vector<std::vector<std::string>> slopes;
  for (std::size_t n = 0; n < cases.size(); ++n)
    slopes.push_back({cases[n].label, fmt::format("{:.0f}", growths[n].line.slope),
                      fmt::format("{:.4f}", growths[n].line.r_squared)});
  results.add_table({"potential", "bytes per own atom, LAMMPS included", "R\u00b2"}, slopes);
  draw(options, cases, growths);
}

}  // namespace

std::string run_memory(const Options& given, const Hooks& hooks) {
  Options options = given;
  check_sizes(options.atoms);
  options.output = make_output_folder(given);
  LammpsRunner runner(find_lammps(options.executable, false), options.output / "runs", hooks);
  Results results(options, "Memory");
  const std::vector<Case> cases = make_cases(options);
  const Runs runs = run_in_turn(make_jobs(options, cases, runner), options.rounds, hooks.show);
  results.add_runs(runs);
  report(options, cases, runs, results);
  return results.write(runner.commands());
}

}  // namespace grapevine::bench
