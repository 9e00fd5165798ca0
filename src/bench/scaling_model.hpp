#pragma once

#include <array>
#include <vector>

namespace grapevine::bench {

// The model of docs/scaling.md: what one rank has to do in a step, and what that costs.

/// A crystal and a potential as far as they decide about the work of a rank.
struct System {
  double atoms_per_volume = 0;  ///< 1/Angstrom^3
  double cutoff = 0;            ///< Angstrom
  double skin = 0;              ///< Angstrom
  int layers = 0;               ///< T
  int message_numbers = 0;      ///< sum of the layers' widths
  int number_bytes = 4;         ///< of one number sent: 4 in mixed, 8 in double
};

/// Ranks along x, y and z.
using Grid = std::array<int, 3>;
/// Edges of an orthogonal box, Angstrom.
using Edges = std::array<double, 3>;

/// The grid of `ranks` ranks that gives subdomains of the smallest surface, as LAMMPS chooses it.
Grid grid_of(const Edges& box, int ranks);

/// A rank's share of a step, as a mean over ranks.
struct Load {
  double own = 0;       ///< atoms
  double ghosts = 0;    ///< LAMMPS's ghost atoms, cutoff and skin deep
  double halo = 0;      ///< atoms of other ranks within the cutoff of the subdomain, each counted once
  double messages = 0;  ///< sent, LAMMPS's and ours
  double bytes = 0;     ///< sent
};

/// The load from geometry alone: box of `box` in equal parts on `ranks` ranks, periodic.
Load estimate_load(const System& system, const Edges& box, int ranks);

/// Messages that LAMMPS sends per step and rank for positions and forces on such a grid.
double lammps_messages(const System& system, const Edges& box, const Grid& grid);

/// Ranks whose atoms a rank needs, itself not counted.
int peers_of(const System& system, const Edges& box, const Grid& grid);

/// Seconds per step for one of each.
struct Costs {
  double own = 0;
  double ghost = 0;
  double message = 0;
};

struct Sample {
  Load load;
  double seconds = 0;  ///< of a step, measured
};

/// The non-negative costs that fit the samples best, in relative terms. Costs that the samples do not determine, such
/// as that of messages where every sample has one rank, are zero.
Costs fit_costs(const std::vector<Sample>& samples);

/// A cluster's network.
struct Network {
  double latency = 0;    ///< seconds per message
  double bandwidth = 0;  ///< bytes per second of one rank
};

/// Seconds of a step on the machine that was measured.
double step_time(const Costs& costs, const Load& load);

/// Seconds of a step on a cluster of such cores: a message costs at least the latency, bytes pass at the bandwidth, and
/// the check whether to rebuild the neighbour list is a reduction over all ranks.
double projected_step_time(const Costs& costs, const Load& load, int ranks, const Network& network);

}  // namespace grapevine::bench
