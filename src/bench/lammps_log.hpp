#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace grapevine::bench {

/// What the plugin's line at the end of a run says (docs/lammps.md), summed over ranks.
struct WorkDone {
  std::vector<double> computed;  ///< atoms computed in each of the T + 1 passes
  double atoms = 0;
  double halo = 0;                 ///< halo atoms exchanged per layer
  double ghosts = 0;               ///< LAMMPS's ghost atoms
  double forward = 0;              ///< numbers sent per step by gathers
  double reverse = 0;              ///< numbers sent per step by scatter-adds
  std::optional<double> messages;  ///< messages sent per step, where the plugin counts them
  int layers = 0;
  double cutoff = 0;  ///< Angstrom
};

/// One timed run of a program.
struct Run {
  double seconds = 0;  ///< of all steps
  int ranks = 1;
  std::int64_t steps = 0;
  std::int64_t atoms = 0;
  double ghosts = 0;                       ///< LAMMPS's ghosts per rank, mean over ranks
  std::int64_t neighbour_builds = 0;       ///< rebuilds of the neighbour list
  std::map<std::string, double> sections;  ///< seconds of LAMMPS's sections (Pair, Neigh, Comm ...), mean over ranks
  std::optional<WorkDone> work;            ///< of our own potential
  std::int64_t peak_bytes = 0;             ///< resident memory of the process (runs on one rank)
  std::string version;                     ///< of LAMMPS

  double seconds_per_step() const { return seconds / static_cast<double>(steps); }
  double microseconds_per_atom_step() const { return 1e6 * seconds_per_step() / static_cast<double>(atoms); }
};

/// Reads the last run of a LAMMPS log. Throws Error, naming the file, if it has none.
Run read_lammps_log(const std::filesystem::path& path);

}  // namespace grapevine::bench
