#include "bench/scaling_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bench/least_squares.hpp"

namespace grapevine::bench {
namespace {

constexpr double bytes_of_vector = 3 * 8;  // LAMMPS sends positions and forces in double

Edges subdomain(const Edges& box, const Grid& grid) { return {box[0] / grid[0], box[1] / grid[1], box[2] / grid[2]}; }

double volume(const Edges& edges) { return edges[0] * edges[1] * edges[2]; }

/// The volume within `depth` of a subdomain; along a direction with one rank only if images of its own atoms count.
double shell(const Edges& box, const Grid& grid, double depth, bool images) {
  const Edges inner = subdomain(box, grid);
  Edges outer{};
  for (std::size_t d = 0; d < 3; ++d) {
    outer[d] = inner[d] + 2 * depth;
    if (!images) outer[d] = std::min(outer[d], box[d]);
  }
  return volume(outer) - volume(inner);
}

/// Subdomains that `depth` reaches over, to one side.
int reach(double edge, double depth) { return static_cast<int>(std::ceil(depth / edge)); }

}  // namespace

Grid grid_of(const Edges& box, int ranks) {
  Grid best{1, 1, ranks};
  double least = std::numeric_limits<double>::infinity();
  for (int x = 1; x <= ranks; ++x) {
    if (ranks % x != 0) continue;
    for (int y = 1; y <= ranks / x; ++y) {
      if (ranks / x % y != 0) continue;
      const Grid grid{x, y, ranks / x / y};
      const Edges e = subdomain(box, grid);
      const double surface = e[0] * e[1] + e[1] * e[2] + e[2] * e[0];
      if (surface >= least * (1 - 1e-12)) continue;
      least = surface;
      best = grid;
    }
  }
  return best;
}

double lammps_messages(const System& system, const Edges& box, const Grid& grid) {
  const Edges edges = subdomain(box, grid);
  double messages = 0;
  for (std::size_t d = 0; d < 3; ++d)
    if (grid[d] > 1) messages += 2.0 * reach(edges[d], system.cutoff + system.skin);
  return 2 * messages;  // positions out, forces back
}

int peers_of(const System& system, const Edges& box, const Grid& grid) {
  const Edges edges = subdomain(box, grid);
  int within = 1;
  for (std::size_t d = 0; d < 3; ++d) within *= std::min(grid[d], 2 * reach(edges[d], system.cutoff) + 1);
  return within - 1;
}

Load estimate_load(const System& system, const Edges& box, int ranks) {
  const Grid grid = grid_of(box, ranks);
  Load load;
  load.own = system.atoms_per_volume * volume(subdomain(box, grid));
  load.ghosts = system.atoms_per_volume * shell(box, grid, system.cutoff + system.skin, true);
  load.halo = system.atoms_per_volume * shell(box, grid, system.cutoff, false);
  load.messages = lammps_messages(system, box, grid) + 2.0 * system.layers * peers_of(system, box, grid);
  const double remote_ghosts = system.atoms_per_volume * shell(box, grid, system.cutoff + system.skin, false);
  load.bytes = 2 * (bytes_of_vector * remote_ghosts + system.number_bytes * system.message_numbers * load.halo);
  return load;
}

Costs fit_costs(const std::vector<Sample>& samples) {
  std::vector<std::vector<double>> rows;
  std::vector<double> values;
  for (const Sample& sample : samples) {
    rows.push_back({sample.load.own, sample.load.ghosts, sample.load.messages});
    values.push_back(sample.seconds);
  }
  const std::vector<double> costs = fit_non_negative(rows, values);
  return {costs[0], costs[1], costs[2]};
}

double step_time(const Costs& costs, const Load& load) {
  return costs.own * load.own + costs.ghost * load.ghosts + costs.message * load.messages;
}

double projected_step_time(const Costs& costs, const Load& load, int ranks, const Network& network) {
  const double message = std::max(costs.message, network.latency);
  return costs.own * load.own + costs.ghost * load.ghosts + message * load.messages + load.bytes / network.bandwidth +
         network.latency * std::log2(ranks);
}

}  // namespace grapevine::bench
