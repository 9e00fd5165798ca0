#include "training/core/choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "formats/elements.hpp"
#include "training/core/covalent_radii.hpp"

namespace grapevine {
namespace {

// Dynamics that is a little longer or hotter than the data comes closer by some per cent, where the model is still
// good; from there on it is alone.
constexpr double part_of_shortest = 0.95;
constexpr double inner_part = 0.7;  // of the outer radius
// A collision at 20 eV is beyond what molecular dynamics of matter has; data that reach it hold atoms apart themselves.
constexpr double wall = 20;  // eV
constexpr std::size_t most_words = 12;

bool are_elements(const std::vector<std::string>& species) {
  return std::all_of(species.begin(), species.end(), [](const auto& s) { return atomic_number(s) > 0; });
}

CorePair pair_of(double outer) { return {inner_part * outer, outer, 1}; }

/// Whether the data end before ZBL's energy is that of the wall.
bool leaves_empty(const Core& core, std::size_t a, std::size_t b, const Contacts& contacts) {
  const double shortest = contacts.pair(a, b).distance;
  return !std::isfinite(shortest) || zbl(core.charge[a], core.charge[b], shortest).energy < wall;
}

bool leaves_any_empty(const Core& core, const Contacts& contacts) {
  for (std::size_t a = 0; a < core.species(); ++a)
    for (std::size_t b = a; b < core.species(); ++b)
      if (leaves_empty(core, a, b, contacts)) return true;
  return false;
}

double outer_radius(const std::vector<std::string>& species, std::size_t a, std::size_t b, const Contacts& contacts,
                    double cutoff) {
  const double shortest = contacts.pair(a, b).distance;
  if (std::isfinite(shortest)) return part_of_shortest * shortest;
  return std::min(cutoff, covalent_radius(species[a]) + covalent_radius(species[b]));
}

Core core_of(const std::vector<std::string>& species, const Contacts& contacts, double cutoff,
             const std::optional<Core>& of_start) {
  Core core = empty_core(species);
  const std::size_t known = of_start ? of_start->species() : 0;
  for (std::size_t a = 0; a < species.size(); ++a)
    for (std::size_t b = a; b < species.size(); ++b)
      core.set(a, b, b < known ? of_start->pair(a, b) : pair_of(outer_radius(species, a, b, contacts, cutoff)));
  return core;
}

std::string join(std::vector<std::string> words) {
  const std::size_t count = words.size();
  if (count > most_words) words.resize(most_words);
  std::string text = fmt::format("{}", fmt::join(words, ", "));
  if (count > most_words) text += fmt::format(" and {} more pairs", count - most_words);
  return text;
}

std::string pair_text(const Core& core, const std::vector<std::string>& species, std::size_t a, std::size_t b) {
  const CorePair& pair = core.pair(a, b);
  const std::string scale = pair.scale > 1 ? fmt::format(" ({:.3g} times)", pair.scale) : "";
  return fmt::format("{}-{} {:.3g}{}", species[a], species[b], pair.outer, scale);
}

/// Where the radii are from: the data, covalent radii, or the model to start from.
std::string choice_text(const Core& core, const std::vector<std::string>& species, const Contacts& contacts,
                        const std::optional<Core>& of_start) {
  std::vector<std::string> kept, seen, unseen;
  for (std::size_t a = 0; a < species.size(); ++a)
    for (std::size_t b = a; b < species.size(); ++b) {
      const bool is_known = of_start && b < of_start->species();
      const bool is_seen = std::isfinite(contacts.pair(a, b).distance);
      if (core.pair(a, b).outer > 0)
        (is_known ? kept : is_seen ? seen : unseen).push_back(pair_text(core, species, a, b));
    }
  std::vector<std::string> parts;
  if (!kept.empty()) parts.push_back(join(kept) + " A as in the model to start from");
  if (!seen.empty())
    parts.push_back(fmt::format("{} A, {} of the shortest distances in the data", join(seen), part_of_shortest));
  if (!unseen.empty()) parts.push_back(join(unseen) + " A, the sum of covalent radii, as no two in the data are near");
  return fmt::format("core: repulsion of nuclei (ZBL) below {}; --core none leaves it out", fmt::join(parts, "; "));
}

}  // namespace

CoreChoice choose_core(const TrainingOptions& options, const std::vector<std::string>& species,
                       const Contacts& contacts, const std::optional<Core>& of_start) {
  const bool is_wanted = options.core == "zbl";
  if (options.core == "none")
    return {std::nullopt, of_start ? "core: none, though the model to start from has one" : ""};
  if (!is_wanted && !of_start && !options.start.empty())
    return {std::nullopt, "core: none, as the model to start from has none; --core zbl adds one"};
  if (!is_wanted && !are_elements(species)) return {std::nullopt, "core: none, as not all species are elements"};
  const Core core = core_of(species, contacts, options.model.cutoff, of_start);
  if (!is_wanted && !of_start && !leaves_any_empty(core, contacts))
    return {
        std::nullopt,
        fmt::format("core: none, as the data reach {:.0f} eV of repulsion for all pairs; --core zbl adds one", wall)};
  return {core, choice_text(core, species, contacts, of_start)};
}

std::string describe_core(const Core& core, const std::vector<std::string>& species) {
  std::vector<std::string> words;
  for (std::size_t a = 0; a < species.size(); ++a)
    for (std::size_t b = a; b < species.size(); ++b)
      if (core.pair(a, b).outer > 0) words.push_back(pair_text(core, species, a, b));
  return join(words);
}

}  // namespace grapevine
