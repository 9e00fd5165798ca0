#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "models/equivariant/training/arrays.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine::mace {

/// Paths of a contraction from `first` on whose products have as many factors each.
struct PathRange {
  int first = 0;
  int count = 0;
  int degree = 0;
};

/// The paths of a contraction in order; those that have no terms count with the ones before.
inline std::vector<PathRange> paths_by_degree(const Contraction& contraction) {
  std::vector<int> degree(static_cast<std::size_t>(contraction.paths), 0);
  for (const Contraction::Term& term : contraction.terms)
    degree[static_cast<std::size_t>(term.path)] =
        static_cast<int>(std::count_if(term.factors.begin(), term.factors.end(), [](int f) { return f >= 0; }));
  std::vector<PathRange> ranges;
  for (int path = 0; path < contraction.paths; ++path) {
    const int here = degree[static_cast<std::size_t>(path)];
    if (ranges.empty() || (here != 0 && here != ranges.back().degree)) ranges.push_back({path, 0, here});
    ++ranges.back().count;
  }
  return ranges;
}

namespace detail {

template <class C, class Function>
void visit_contraction(const std::string& name, C& contraction, const std::vector<std::string>& species,
                       const Function& function) {
  const std::vector<PathRange> ranges = paths_by_degree(contraction);
  const std::size_t channels =
      contraction.weight.size() / (species.size() * static_cast<std::size_t>(contraction.paths));
  auto* data = contraction.weight.data();
  for (const std::string& symbol : species)
    for (const PathRange& range : ranges) {
      const auto rows = static_cast<std::size_t>(range.count);
      equivariant::visit_matrix(fmt::format("{}.{}.from.{}", name, symbol, range.first), "product", data, rows,
                                channels, 1 / std::sqrt(static_cast<double>(range.count)), true, function);
      data += rows * channels;
    }
}

template <class Maps, class Function>
void visit_maps(const std::string& name, const std::string& group, Maps& maps, const std::vector<std::string>& species,
                const Function& function) {
  for (std::size_t s = 0; s < maps.size(); ++s)
    equivariant::visit_map(name + "." + species[s], group, maps[s], species.size(), function);
}

template <class I, class Function>
void visit_interaction(const std::string& name, I& x, const std::vector<std::string>& species,
                       const Function& function) {
  equivariant::visit_map(name + "mix_input", "mixing", x.mix_input, 1, function);
  equivariant::visit_layers(name + "radial", "radial", x.radial.layers, function);
  equivariant::visit_matrix(name + "density", "radial", x.density.data(), x.density.size(), 1,
                            1 / std::sqrt(static_cast<double>(std::max<std::size_t>(1, x.density.size()))), true,
                            function);
  equivariant::visit_map(name + "mix_messages", "mixing", x.mix_messages, 1, function);
  visit_maps(name + "mix_by_species", "mixing", x.mix_by_species, species, function);
  for (std::size_t o = 0; o < x.contractions.size(); ++o)
    visit_contraction(name + "contraction." + std::to_string(o), x.contractions[o], species, function);
  equivariant::visit_map(name + "mix_product", "product", x.mix_product, 1, function);
  visit_maps(name + "self_connection", "connection", x.self_connection, species, function);
}

}  // namespace detail

/// Calls function(ParameterArray) for all trainable numbers of `parameters` (constant or not), always in the same
/// order. Those of a contraction come by species and by the degree of the products. Not trained are the radial basis
/// with its transform, the denominators, the repulsion of nuclei, and the scale and shifts of the energy.
template <class P, class Function>
void for_each_array(P& p, const Function& function) {
  const std::size_t species = p.species.size();
  equivariant::visit_embedding(p.embedding, species, function);
  for (std::size_t t = 0; t < p.interactions.size(); ++t)
    detail::visit_interaction("interaction." + std::to_string(t) + ".", p.interactions[t], p.species, function);
  for (std::size_t t = 0; t < p.readouts.size(); ++t) {
    auto& readout = p.readouts[t];
    equivariant::visit_matrix("readout." + std::to_string(t), "readout", readout.data(), readout.size(), 1,
                              1 / std::sqrt(static_cast<double>(std::max<std::size_t>(1, readout.size()))), true,
                              function);
  }
  equivariant::visit_layers("last_readout", "readout", p.last_readout, function);
}

}  // namespace grapevine::mace
