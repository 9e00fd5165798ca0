#include "training/data_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

#include "formats/text_numbers.hpp"
#include "structures/frame_graph.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::size_t most_frames = 32;
constexpr int most_atoms = 5000;

// Of a PreparedFrame: a neighbour and the three components of the vector to it.
constexpr double bytes_per_edge = sizeof(int) + 3 * sizeof(double);

double nearest_neighbour(const FrameGraph& graph, std::size_t species_count) {
  double least = std::numeric_limits<double>::infinity();
  EdgeBlock<double> block;
  for (std::size_t s = 0; s < species_count; ++s) {
    std::vector<int> centres;
    for (const int i : graph.centres())
      if (graph.species()[static_cast<std::size_t>(i)] == static_cast<int>(s)) centres.push_back(i);
    block.clear();
    graph.edges(centres, block);
    for (std::size_t e = 0; e < static_cast<std::size_t>(block.edges()); ++e)
      least = std::min(least, std::hypot(block.x[e], block.y[e], block.z[e]));
  }
  return least;
}

std::vector<std::size_t> evenly_spaced(const std::vector<std::size_t>& all) {
  std::vector<std::size_t> chosen;
  const std::size_t count = std::min(all.size(), most_frames);
  for (std::size_t n = 0; n < count; ++n) chosen.push_back(all[n * all.size() / count]);
  return chosen;
}

}  // namespace

NeighbourSample sample_neighbours(std::span<const LabelledFrame> frames, const std::vector<std::string>& species,
                                  double cutoff) {
  std::vector<std::size_t> small;
  for (std::size_t f = 0; f < frames.size(); ++f)
    if (frames[f].frame.atoms() <= most_atoms) small.push_back(f);
  FrameGraph graph(species, cutoff, 1);
  NeighbourSample sample;
  double edges = 0;
  double atoms = 0;
  for (const std::size_t f : evenly_spaced(small)) try {
      graph.build(frames[f].frame);
      ++sample.frames;
      atoms += frames[f].frame.atoms();
      edges += static_cast<double>(graph.edge_count());
      if (graph.edge_count() == 0) continue;
      const double nearest = nearest_neighbour(graph, species.size());
      sample.nearest = std::min(sample.nearest.value_or(nearest), nearest);
    } catch (const Error& error) {
      throw Error(fmt::format("{}: {}", frames[f].place, error.what()));
    }
  if (atoms > 0) sample.per_atom = edges / atoms;
  return sample;
}

double neighbour_list_bytes(double edges) { return edges * bytes_per_edge; }

std::optional<double> available_memory(std::istream& meminfo) {
  constexpr double unit = 1024;
  std::vector<std::string_view> words;
  for (std::string line; std::getline(meminfo, line);) {
    split_fields(line, words);
    if (words.size() < 2 || words[0] != "MemAvailable:") continue;
    const auto count = parse_number(words[1]);
    return count ? std::optional(unit * *count) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> available_memory() {
  std::ifstream meminfo("/proc/meminfo");
  return available_memory(meminfo);
}

void check_memory(double bytes, std::optional<double> available, const std::string& what, const std::string& advice) {
  if (available && bytes > *available)
    throw Error(fmt::format("{} take about {}, but only {} of memory are free; {}", what, format_bytes(bytes),
                            format_bytes(*available), advice));
}

std::string format_bytes(double bytes) {
  constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < units.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.3g} {}", bytes, units[unit]);
}

}  // namespace grapevine
