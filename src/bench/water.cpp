#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "bench/benchmarks.hpp"
#include "bench/cases.hpp"
#include "bench/results.hpp"
#include "bench/statistics.hpp"
#include "bench/torch_peer.hpp"
#include "models/registry.hpp"
#include "report/bar_chart.hpp"
#include "support/error.hpp"

namespace grapevine::bench {
namespace {

constexpr double molecule_spacing = 3.104;  // Angstrom: 1 g/cm3
constexpr double bond = 0.9686;             // Angstrom, of the gas, as the angle
constexpr double half_angle = 104.0 / 2 * std::numbers::pi / 180;

using Point = std::array<double, 3>;

struct Atom {
  int type;  ///< 1 is H, 2 is O
  Point r;
};

/// By a random rotation, whose quaternion is four normal numbers.
class Turn {
 public:
  explicit Turn(std::mt19937& random) {
    std::normal_distribution<double> normal;
    double square = 0;
    for (double& number : q_) square += std::pow(number = normal(random), 2);
    for (double& number : q_) number /= std::sqrt(square);
  }

  Point operator()(const Point& r) const {
    const Point axis{q_[1], q_[2], q_[3]};
    const Point once = cross(axis, r);
    const Point twice = cross(axis, once);
    Point turned{};
    for (std::size_t k = 0; k < 3; ++k) turned[k] = r[k] + 2 * (q_[0] * once[k] + twice[k]);
    return turned;
  }

 private:
  static Point cross(const Point& a, const Point& b) {
    return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
  }

  std::array<double, 4> q_{};
};

/// Molecules on a cubic grid, each turned at random: as many neighbours as the liquid has.
std::vector<Atom> make_water(int molecules) {
  std::mt19937 random(1);
  const double across = bond * std::sin(half_angle);
  const double along = bond * std::cos(half_angle);
  std::vector<Atom> atoms;
  for (int x = 0; x < molecules; ++x)
    for (int y = 0; y < molecules; ++y)
      for (int z = 0; z < molecules; ++z) {
        const Turn turn(random);
        for (const Atom& atom : {Atom{2, {0, 0, 0}}, Atom{1, {across, along, 0}}, Atom{1, {-across, along, 0}}}) {
          Point r = turn(atom.r);
          const Point centre{x + 0.5, y + 0.5, z + 0.5};
          for (std::size_t k = 0; k < 3; ++k) r[k] += centre[k] * molecule_spacing;
          atoms.push_back({atom.type, r});
        }
      }
  return atoms;
}

std::string water_deck(const std::vector<Atom>& atoms, const Options& options, const std::string& model, int steps) {
  std::string text = "# water; written by grapevine bench\nunits metal\natom_style atomic\nboundary p p p\n";
  text += fmt::format("region box block 0 {0} 0 {0} 0 {0}\ncreate_box 2 box\n", options.molecules * molecule_spacing);
  for (const Atom& atom : atoms)
    text += fmt::format("create_atoms {} single {:.6f} {:.6f} {:.6f}\n", atom.type, atom.r[0], atom.r[1], atom.r[2]);
  text += "mass 1 1.008\nmass 2 15.999\n";
  text += fmt::format("pair_style grapevine {}\npair_coeff * * \"{}\" H O\n", options.precision, model);
  text += fmt::format("neighbor {:.1f} bin\nneigh_modify every 1 delay 5 check yes\n", skin);
  text += "velocity all create 3 1\nfix motion all nve\ntimestep 0.0001\nthermo 1000000\n";
  text += fmt::format("run {}\nrun {}\n", std::max(1, steps / 4), steps);
  return text + "write_dump all custom atoms.dump id type x y z fx fy fz modify sort id format float %.9g\n";
}

/// A model, and the file it was imported from where that is measured too.
struct Subject {
  std::string path;
  std::string name;
  std::unique_ptr<TorchPeer> peer;
};

class Water {
 public:
  Water(const Options& options, const Hooks& hooks)
      : options_(options),
        hooks_(hooks),
        runner_(find_lammps(options.executable, false), options.output / "runs", hooks),
        results_(options, "Models of liquid water"),
        atoms_(make_water(options.molecules)) {
    for (std::size_t n = 0; n < options.models.size(); ++n) add_subject(n);
  }

  std::string run() {
    runs_ = run_in_turn(jobs(), options_.rounds, hooks_.show);
    results_.add_runs(runs_);
    add_times();
    draw();
    std::vector<std::string> commands = runner_.commands();
    for (const Subject& subject : subjects_)
      if (subject.peer)
        commands.insert(commands.end(), subject.peer->commands().begin(), subject.peer->commands().end());
    return results_.write(commands);
  }

 private:
  void add_subject(std::size_t n) {
    const std::filesystem::path path = std::filesystem::absolute(options_.models[n]);
    const std::shared_ptr<const Potential> potential = load_potential(path);
    const std::vector<std::string>& known = potential->species();
    for (const char* symbol : {"H", "O"})
      if (std::find(known.begin(), known.end(), symbol) == known.end())
        throw Error(fmt::format("{}: the model does not know {}; water needs H and O", options_.models[n], symbol));
    const std::string name = path.stem().string();
    for (const Subject& other : subjects_)
      if (other.name == name) throw Error(fmt::format("two models are called {}; rename one of them", name));
    subjects_.push_back({path.string(), name, nullptr});
    if (options_.peer_mace.empty()) return;
    const std::filesystem::path source = std::filesystem::absolute(options_.peer_mace[n]);
    if (!std::filesystem::exists(source)) throw Error(fmt::format("{}: there is no such file", source.string()));
    auto peer = std::make_unique<TorchPeer>(options_, mace_script, "mace-" + name, source,
                                            std::vector<std::string>{"--species", "H,O"}, hooks_.check);
    if (peer->obstacle().empty()) {
      subjects_.back().peer = std::move(peer);
      return;
    }
    results_.say("mace-torch is left out: " + peer->obstacle());
    hooks_.show("mace-torch is left out: " + peer->obstacle());
  }

  static std::string label_of(const Subject& subject) { return "Grapevine, " + subject.name; }
  static std::string peer_label(const Subject& subject, FreedMemory memory) {
    return fmt::format("mace-torch {}, {}", memory == FreedMemory::kept ? "at its best" : "as it comes", subject.name);
  }

  std::vector<Job> jobs() {
    std::vector<Job> jobs;
    const int steps = options_.steps > 0 ? options_.steps : std::max(4, 20'000 / static_cast<int>(atoms_.size()));
    for (const Subject& subject : subjects_) {
      const std::string text = water_deck(atoms_, options_, subject.path, steps);
      jobs.push_back({label_of(subject), [this, &subject, text] { return runner_.run(subject.name, text, 1); }});
      if (!subject.peer) continue;
      const std::filesystem::path dump = options_.output / "runs" / subject.name / "atoms.dump";
      for (const FreedMemory memory : {FreedMemory::given_back, FreedMemory::kept})
        jobs.push_back(
            {peer_label(subject, memory), [&peer = *subject.peer, dump, memory] { return peer.run(dump, memory); }});
    }
    return jobs;
  }

  static double time_of(const Run& run) { return run.microseconds_per_atom_step(); }

  void add_times() {
    std::vector<std::vector<std::string>> rows;
    for (const Subject& subject : subjects_) {
      const std::vector<Run>& ours = runs_.at(label_of(subject));
      std::vector<std::string> row = {subject.name, text_of(spread_of(ours, time_of)), "", "", "", ""};
      results_.json()["microseconds_per_atom_step"][label_of(subject)] = to_json(spread_of(ours, time_of));
      if (subject.peer) add_peer(subject, ours, row);
      rows.push_back(row);
    }
    results_.say(
        fmt::format("{} atoms of water, one rank, one thread, precision {}. Grapevine: whole LAMMPS steps; "
                    "mace-torch: energy and forces in float32, its neighbour list not timed. Microseconds per "
                    "atom and step: median (lowest .. highest) over the rounds ({}).",
                    atoms_.size(), options_.precision, options_.rounds));
    std::vector<std::string> columns = {"model",
                                        "Grapevine",
                                        "mace-torch as it comes",
                                        "mace-torch at its best",
                                        "its best over ours",
                                        "largest difference of forces, over the largest force"};
    if (std::ranges::none_of(subjects_, [](const Subject& subject) { return bool(subject.peer); })) {
      columns.resize(2);
      for (std::vector<std::string>& row : rows) row.resize(2);
    }
    results_.add_table(columns, rows);
  }

  void add_peer(const Subject& subject, const std::vector<Run>& ours, std::vector<std::string>& row) {
    const std::vector<Run>& plain = runs_.at(peer_label(subject, FreedMemory::given_back));
    const std::vector<Run>& best = runs_.at(peer_label(subject, FreedMemory::kept));
    const Spread ratio = ratio_of(best, ours, time_of);
    row[2] = text_of(spread_of(plain, time_of));
    row[3] = text_of(spread_of(best, time_of));
    row[4] = text_of(ratio);
    row[5] = fmt::format("{:.1g}", subject.peer->force_difference());
    results_.json()["mace_torch_at_its_best_over_ours"][subject.name] = to_json(ratio);
    results_.json()["torch"] = subject.peer->version();
  }

  void draw() const {
    BarChart chart{fmt::format("{} atoms of water on one core", atoms_.size()), "microseconds per atom and step", {}};
    for (const Subject& subject : subjects_) {
      BarPanel panel{subject.name, {}};
      const auto add = [&](const std::string& key, const std::string& label, int colour) {
        const Spread time = spread_of(runs_.at(key), time_of);
        panel.bars.push_back({label, time.median, time.low, time.high, colour});
      };
      add(label_of(subject), "Grapevine", 1);
      if (subject.peer) {
        add(peer_label(subject, FreedMemory::kept), "mace-torch at its best", 0);
        add(peer_label(subject, FreedMemory::given_back), "mace-torch as it comes", 0);
      }
      chart.panels.push_back(panel);
    }
    draw_bar_chart(options_.output / "water.png", chart);
  }

  const Options& options_;
  const Hooks& hooks_;
  LammpsRunner runner_;
  Results results_;
  std::vector<Atom> atoms_;
  std::vector<Subject> subjects_;
  Runs runs_;
};

}  // namespace

std::string run_water(const Options& given, const Hooks& hooks) {
  if (!given.peer_mace.empty() && given.peer_mace.size() != given.models.size())
    throw Error(fmt::format("{} models and {} files of --peer-mace: each model needs the file it was imported from",
                            given.models.size(), given.peer_mace.size()));
  Options options = given;
  options.output = make_output_folder(given);
  return Water(options, hooks).run();
}

}  // namespace grapevine::bench
