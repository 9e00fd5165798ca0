#include "bench/lammps_log.hpp"

#include <fmt/format.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "support/error.hpp"

namespace grapevine::bench {
namespace {

const std::regex loop_line(R"(Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms)");
const std::regex section_line(R"((Pair|Neigh|Comm|Output|Modify|Other)\s*\|\s*(\S*)\s*\|\s*(\S+)\s*\|.*)");
const std::regex ghost_line(R"(Nghost:\s+(\S+) ave.*)");
const std::regex build_line(R"(Neighbor list builds = (\d+))");
const std::regex work_line(
    R"(Grapevine: atoms computed per layer((?: \S+)+) of (\S+) atoms, halo atoms exchanged per layer (\S+) of (\S+) )"
    R"(ghosts, numbers sent per step (\S+) forward (\S+) reverse,(?: messages per step (\S+),)? (\d+) layers, )"
    R"(cutoff (\S+) Angstrom)");

WorkDone read_work(const std::smatch& found) {
  WorkDone work;
  std::istringstream computed(found.str(1));
  for (double atoms = 0; computed >> atoms;) work.computed.push_back(atoms);
  work.atoms = std::stod(found.str(2));
  work.halo = std::stod(found.str(3));
  work.ghosts = std::stod(found.str(4));
  work.forward = std::stod(found.str(5));
  work.reverse = std::stod(found.str(6));
  if (found[7].matched) work.messages = std::stod(found.str(7));
  work.layers = std::stoi(found.str(8));
  work.cutoff = std::stod(found.str(9));
  return work;
}

/// A run begins anew with its line of loop time; the line of work comes before or after it.
class LogReader {
 public:
  void read(const std::string& line) {
    std::smatch found;
    if (version_.empty() && line.starts_with("LAMMPS (")) version_ = line.substr(8, line.find(')') - 8);
    if (std::regex_search(line, found, loop_line)) {
      begin_run(found);
    } else if (std::regex_match(line, found, section_line)) {
      run_.sections[found.str(1)] = std::stod(found.str(3));
    } else if (std::regex_match(line, found, ghost_line)) {
      run_.ghosts = std::stod(found.str(1));
    } else if (std::regex_match(line, found, build_line)) {
      run_.neighbour_builds = std::stoll(found.str(1));
    } else if (std::regex_match(line, found, work_line)) {
      work_ = read_work(found);
    }
  }

  Run finish() {
    run_.work = work_;
    run_.version = version_;
    return run_;
  }

 private:
  void begin_run(const std::smatch& found) {
    run_ = Run{};
    run_.seconds = std::stod(found.str(1));
    run_.ranks = std::stoi(found.str(2));
    run_.steps = std::stoll(found.str(3));
    run_.atoms = std::stoll(found.str(4));
  }

  Run run_;
  std::optional<WorkDone> work_;
  std::string version_;
};

}  // namespace

Run read_lammps_log(const std::filesystem::path& path) {
  std::ifstream stream(path);
  if (!stream) throw Error(fmt::format("{}: LAMMPS left no log", path.string()));
  LogReader reader;
  for (std::string line; std::getline(stream, line);) reader.read(line);
  Run run = reader.finish();
  if (run.steps == 0 || run.atoms == 0 || run.seconds <= 0)
    throw Error(fmt::format("{}: the log ends without the time of a run", path.string()));
  return run;
}

}  // namespace grapevine::bench
