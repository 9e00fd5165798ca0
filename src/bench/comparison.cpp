#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "bench/benchmarks.hpp"
#include "bench/cases.hpp"
#include "bench/models.hpp"
#include "bench/results.hpp"
#include "bench/statistics.hpp"
#include "bench/torch_peer.hpp"
#include "report/bar_chart.hpp"
#include "support/error.hpp"

namespace grapevine::bench {
namespace {

constexpr const char* torch_name = "torch";
constexpr const char* torch_label = "PyTorch, silver";
const std::vector<std::string> case_names = {"silver", "eam", "alloy", "meam", "meam-w", "snap"};

bool wanted(const Options& options, const std::string& name) {
  return options.only.empty() || std::find(options.only.begin(), options.only.end(), name) != options.only.end();
}

void check_options(const Options& options) {
  for (const std::string& name : options.only)
    if (std::find(case_names.begin(), case_names.end(), name) == case_names.end())
      throw Error(fmt::format("--only {}: there is no such case; known are {}", name, fmt::join(case_names, ", ")));
  if (options.peer_torch && !wanted(options, "silver")) throw Error("--peer-torch needs the case silver");
}

class Comparison {
 public:
  Comparison(const Options& options, const Hooks& hooks)
      : options_(options),
        hooks_(hooks),
        runner_(find_lammps(options.executable, options.ranks.front() > 1), options.output / "runs", hooks),
        results_(options, "Grapevine and other potentials in LAMMPS") {
    make_cases();
    if (options.peer_torch) make_peer();
  }

  std::string run() {
    runs_ = run_in_turn(jobs(), options_.rounds, hooks_.show);
    results_.add_runs(runs_);
    add_times();
    results_.add_targets(targets());
    draw();
    std::vector<std::string> commands = runner_.commands();
    if (peer_) commands.insert(commands.end(), peer_->commands().begin(), peer_->commands().end());
    return results_.write(commands);
  }

 private:
  void make_cases() {
    if (wanted(options_, "silver")) {
      silver_ = choose_silver(options_);
      cases_.push_back(silver_case(silver_.path, options_.precision, silver_.random));
      results_.json()["silver_model"] = silver_.random ? "random weights" : options_.silver_model;
    }
    if (wanted(options_, "eam")) cases_.push_back(eam_case());
    if (wanted(options_, "alloy")) cases_.push_back(alloy_case(choose_alloy(options_), options_.precision));
    for (const Case& c : {meam_case(), meam_tungsten_case(), snap_case()})
      if (wanted(options_, c.name)) cases_.push_back(c);
  }

  void make_peer() {
    auto peer = std::make_unique<TorchPeer>(options_, reann_script, "torch", silver_.path, std::vector<std::string>{},
                                            hooks_.check);
    if (peer->obstacle().empty()) {
      peer_ = std::move(peer);
      return;
    }
    results_.say("PyTorch is left out: " + peer->obstacle());
    hooks_.show("PyTorch is left out: " + peer->obstacle());
  }

  Length length_of(const Case& c, std::int64_t atoms) const {
    constexpr double atom_steps = 6.4e6;
    const int fastest = options_.steps > 0
                            ? options_.steps
                            : std::clamp(static_cast<int>(atom_steps / static_cast<double>(atoms)), 40, 2000);
    const int steps = std::max(2, fastest / c.slowness);
    return {std::max(2, steps / 4), steps};
  }

  std::vector<Job> jobs() {
    std::vector<Job> jobs;
    for (const Case& c : cases_) {
      const Cells cells = cube_of(c, options_.atoms.front());
      const bool dump = peer_ && c.name == "silver";
      const std::string text = deck(c, cells, length_of(c, c.atoms(cells)),
                                    dump ? "write_dump all custom atoms.dump id type x y z fx fy fz modify sort id "
                                           "format float %.9g\n"
                                         : "");
      jobs.push_back(
          {c.label, [this, name = c.name, text] { return runner_.run(name, text, options_.ranks.front()); }});
      if (dump)
        jobs.push_back(
            {torch_label, [this] { return peer_->run(options_.output / "runs" / "silver" / "atoms.dump"); }});
    }
    return jobs;
  }

  const std::vector<Run>* runs_of(const std::string& name) const {
    const auto label = name == torch_name ? torch_label : label_of(name);
    const auto found = runs_.find(label);
    return found == runs_.end() ? nullptr : &found->second;
  }

  std::string label_of(const std::string& name) const {
    for (const Case& c : cases_)
      if (c.name == name) return c.label;
    return "";
  }

  static double time_of(const Run& run) { return run.microseconds_per_atom_step(); }

  void add_times() {
    std::vector<std::vector<std::string>> rows;
    for (const std::string name : {"silver", "eam", torch_name, "alloy", "meam", "meam-w", "snap"}) {
      const std::vector<Run>* runs = runs_of(name);
      if (!runs) continue;
      const Spread time = spread_of(*runs, time_of);
      const Run& run = runs->back();
      rows.push_back({name == torch_name ? torch_label : label_of(name), fmt::format("{}", run.atoms),
                      fmt::format("{}", run.ranks), fmt::format("{}", run.steps), text_of(time)});
      results_.json()["microseconds_per_atom_step"][name] = to_json(time);
    }
    if (wanted(options_, "silver"))
      results_.say(silver_.random ? "Silver model: random weights, sizes of the published one."
                                  : fmt::format("Silver model: {}.", options_.silver_model));
    results_.say(fmt::format("Precision {}. Whole LAMMPS steps: median (lowest .. highest) over the rounds ({}).",
                             options_.precision, options_.rounds));
    results_.add_table({"potential", "atoms", "ranks", "timed steps", "us per atom and step"}, rows);
    if (peer_)
      results_.say(
          fmt::format("PyTorch {}, energy and forces only, without a neighbour list; its forces differ from "
                      "ours by at most {:.1g} of the largest.",
                      peer_->version(), peer_->force_difference()));
  }

  void add_target(std::vector<Target>& targets, const Target& target, const char* above, const char* below) const {
    const std::vector<Run>* a = runs_of(above);
    const std::vector<Run>* b = runs_of(below);
    if (!a || !b) return;
    targets.push_back(target);
    targets.back().measured = ratio_of(*a, *b, time_of);
  }

  std::vector<Target> targets() const {
    std::vector<Target> all;
    add_target(all, {"time of silver / time of eam", {}, true, 1.6, 1.0}, "silver", "eam");
    add_target(all, {"time of PyTorch / time of silver", {}, false, 30, 60}, torch_name, "silver");
    add_target(all, {"time of meam (MoVFeCr) / time of alloy", {}, false, 1.0, 0}, "meam", "alloy");
    add_target(all, {"time of meam (W) / time of alloy", {}, false, 1.0, 0}, "meam-w", "alloy");
    add_target(all, {"time of snap / time of alloy", {}, false, 20, 0}, "snap", "alloy");
    return all;
  }

  void add_bar(BarPanel& panel, const std::string& name) const {
    const std::vector<Run>* runs = runs_of(name);
    if (!runs) return;
    const Spread time = spread_of(*runs, time_of);
    const bool ours = name == "silver" || name == "alloy";
    panel.bars.push_back(
        {name == torch_name ? torch_label : label_of(name), time.median, time.low, time.high, ours ? 1 : 0});
  }

  void draw() const {
    BarPanel silver{"Silver, fcc", {}};
    for (const char* name : {"silver", "eam", torch_name}) add_bar(silver, name);
    BarPanel alloy{"Refractory metals and alloys, bcc", {}};
    for (const char* name : {"alloy", "meam", "meam-w", "snap"}) add_bar(alloy, name);
    BarChart chart{fmt::format("Cost of a LAMMPS step, about {} atoms, {} rank{}", options_.atoms.front(),
                               options_.ranks.front(), options_.ranks.front() == 1 ? "" : "s"),
                   "microseconds per atom and step",
                   {}};
    for (const BarPanel& panel : {silver, alloy})
      if (!panel.bars.empty()) chart.panels.push_back(panel);
    draw_bar_chart(options_.output / "potentials.png", chart);
  }

  const Options& options_;
  const Hooks& hooks_;
  LammpsRunner runner_;
  Results results_;
  SilverModel silver_;
  std::vector<Case> cases_;
  std::unique_ptr<TorchPeer> peer_;
  Runs runs_;
};

}  // namespace

std::string run_comparison(const Options& given, const Hooks& hooks) {
  check_options(given);
  Options options = given;
  options.output = make_output_folder(given);
  return Comparison(options, hooks).run();
}

}  // namespace grapevine::bench
