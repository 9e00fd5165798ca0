#include "training/data/data_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

#include "formats/text/text_numbers.hpp"
#include "structures/frame_graph.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::size_t most_frames = 32;
constexpr std::size_t block_atoms = 256;
constexpr double most_atoms = 200000;  // in all frames of a sample, unless the first has more

// Of a PreparedFrame: a neighbour and the three components of the vector to it.
constexpr double bytes_per_edge = sizeof(int) + 3 * sizeof(double);

double nearest_neighbour(const FrameGraph& graph, std::size_t species_count) {
  double least = std::numeric_limits<double>::infinity();
  EdgeBlock<double> block;
  for (std::size_t s = 0; s < species_count; ++s) {
    std::vector<int> centres;
    for (const int i : graph.centres())
      if (graph.species()[static_cast<std::size_t>(i)] == static_cast<int>(s)) centres.push_back(i);
    for (std::size_t begin = 0; begin < centres.size(); begin += block_atoms) {
      block.clear();
      graph.edges(std::span(centres).subspan(begin, std::min(block_atoms, centres.size() - begin)), block);
      for (std::size_t e = 0; e < static_cast<std::size_t>(block.edges()); ++e)
        least = std::min(least, std::hypot(block.x[e], block.y[e], block.z[e]));
    }
  }
  return least;
}

/// Frames from all over the set, as many as do not take long.
std::vector<std::size_t> sample_of(std::span<const LabelledFrame> frames) {
  std::vector<std::size_t> chosen;
  const std::size_t count = std::min(frames.size(), most_frames);
  double atoms = 0;
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t f = n * frames.size() / count;
    if (!chosen.empty() && atoms + frames[f].frame.atoms() > most_atoms) continue;
    chosen.push_back(f);
    atoms += frames[f].frame.atoms();
  }
  return chosen;
}

}  // namespace

NeighbourSample sample_neighbours(std::span<const LabelledFrame> frames, const std::vector<std::string>& species,
                                  double cutoff) {
  FrameGraph graph(species, cutoff, 1);
  NeighbourSample sample;
  double edges = 0;
  double atoms = 0;
  for (const std::size_t f : sample_of(frames)) try {
      graph.build(frames[f].frame);
      ++sample.frames;
      atoms += frames[f].frame.atoms();
      edges += static_cast<double>(graph.edge_count());
      if (graph.edge_count() == 0) continue;
      const double nearest = nearest_neighbour(graph, species.size());
      sample.nearest = std::min(sample.nearest.value_or(nearest), nearest);
    } catch (const AtomError& problem) {
      throw Error(fmt::format("{}: {}", frames[f].place, graph.describe(problem, frames[f].frame).what()));
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
