#include "models/mace/training/new_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>

#include "models/equivariant/training/new_maps.hpp"
#include "models/mace/training/arrays.hpp"
#include "models/mace/training/couplings.hpp"
#include "support/error.hpp"

namespace grapevine::mace {
namespace {

using equivariant::ActivationKind;

constexpr int max_supported_order = 3;

/// Irreps of orders 0 to `order` of natural parity.
IrrepsList natural_irreps(int channels, int order) {
  IrrepsList list;
  for (int l = 0; l <= order; ++l) list.push_back({channels, l, l % 2 == 0 ? 1 : -1});
  return list;
}

/// All products that give what a message of orders up to edge_order takes, sorted by their order.
std::vector<Path> paths_of(const IrrepsList& input, int edge_order) {
  std::vector<Path> paths;
  for (std::size_t i = 0; i < input.size(); ++i)
    for (int l = 0; l <= edge_order; ++l)
      for (int order = std::abs(input[i].order - l); order <= std::min(input[i].order + l, edge_order); ++order)
        if ((input[i].order + l + order) % 2 == 0)
          paths.push_back({static_cast<int>(i), l, order, order % 2 == 0 ? 1 : -1});
  std::stable_sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) { return a.order < b.order; });
  return paths;
}

Interaction new_interaction(const ModelOptions& options, const IrrepsList& input, bool is_first, int order,
                            std::size_t species) {
  const int channels = options.channels.front();
  Interaction x;
  x.input = input;
  x.mix_input = equivariant::new_linear(input, input);
  x.paths = paths_of(input, options.edge_order);
  x.radial.layers =
      equivariant::new_layers(options.radial_functions, options.radial_widths, equivariant::channels(x.messages()));
  x.radial.activation = equivariant::normalised_activation(ActivationKind::silu);
  x.message = natural_irreps(channels, options.edge_order);
  x.mix_messages = equivariant::new_linear(x.messages(), x.message);
  x.output = natural_irreps(channels, order);
  if (is_first)
    x.mix_by_species = equivariant::new_linears(species, x.message, x.message);
  else
    x.self_connection = equivariant::new_linears(species, input, x.output);
  for (int l = 0; l <= order; ++l) {
    Contraction& contraction =
        x.contractions.emplace_back(complete_contraction(options.edge_order, options.correlation, l));
    contraction.weight.resize(species * static_cast<std::size_t>(contraction.paths) *
                              static_cast<std::size_t>(channels));
  }
  x.mix_product = equivariant::new_linear(x.output, x.output);
  return x;
}

/// mace-torch divides weights of products by the number of paths; their unit is its square root.
void shrink_products(Interaction& x, std::size_t species) {
  for (Contraction& contraction : x.contractions) {
    double* weight = contraction.weight.data();
    const auto channels = static_cast<std::size_t>(x.message.front().channels);
    for (std::size_t s = 0; s < species; ++s)
      for (const PathRange& range : paths_by_degree(contraction))
        for (std::size_t n = 0; n < static_cast<std::size_t>(range.count) * channels; ++n)
          *weight++ /= std::sqrt(static_cast<double>(range.count));
  }
}

}  // namespace

void check_options(const ModelOptions& options) {
  if (options.channels.size() != 1)
    throw Error("model.channels must be one number: features of MACE have as many channels of each order");
  if (options.edge_order > max_supported_order)
    throw Error(fmt::format("model.edge_order is {}; of MACE at most {} is supported", options.edge_order,
                            max_supported_order));
  if (options.max_order > options.edge_order)
    throw Error(fmt::format("model.max_order is {}, more than edge_order, {}", options.max_order, options.edge_order));
}

Parameters new_parameters(const ModelOptions& options, const NewModel& model) {
  constexpr int cutoff_power = 5;
  check_options(options);
  const std::size_t species = model.species.size();
  Parameters p;
  p.species = model.species;
  p.basis =
      equivariant::bessel_basis(options.cutoff, options.radial_functions, std::sqrt(2 / options.cutoff), cutoff_power);
  p.edge_order = options.edge_order;
  IrrepsList features = natural_irreps(options.channels.front(), 0);
  p.embedding.resize(species * static_cast<std::size_t>(options.channels.front()));
  for (int t = 0; t < options.interactions; ++t) {
    const bool is_last = t + 1 == options.interactions;
    p.interactions.push_back(new_interaction(options, features, t == 0, is_last ? 0 : options.max_order, species));
    p.interactions.back().denominator = model.mean_neighbours;
    features = p.interactions.back().output;
    if (!is_last) p.readouts.emplace_back(static_cast<std::size_t>(options.channels.front()));
  }
  p.last_readout = equivariant::new_layers(options.channels.front(), options.readout_widths, 1);
  p.readout_activation = equivariant::normalised_activation(ActivationKind::silu);
  p.energy_scale = model.energy_scale;
  p.energy_shift.assign(species, 0.0);
  RandomNumbers random(model.seed);
  for_each_array(p, [&](const auto& array) { equivariant::fill(array, random); });
  for (Interaction& x : p.interactions) shrink_products(x, species);
  check(p);
  return p;
}

Parameters extend_species(Parameters p, const std::vector<std::string>& species, std::uint64_t seed) {
  if (species.size() > p.species.size() && (!p.pair_length.empty() || p.zbl))
    throw Error(
        fmt::format("a MACE model with lengths for pairs of elements (a transform of distances, or repulsion of "
                    "nuclei) cannot take new ones, such as {}",
                    species[p.species.size()]));
  RandomNumbers random(seed);
  const auto width = static_cast<std::size_t>(channels(p.interactions.front().input));
  const auto add_mean = [](std::vector<EquivariantLinear>& maps) {
    if (!maps.empty()) maps.push_back(equivariant::mean_of(maps));
  };
  for (std::size_t s = p.species.size(); s < species.size(); ++s) {
    equivariant::append_random_row(p.embedding, width, random);
    for (Interaction& x : p.interactions) {
      add_mean(x.mix_by_species);
      add_mean(x.self_connection);
      for (Contraction& contraction : x.contractions) equivariant::append_mean_row(contraction.weight, s);
    }
    p.species.push_back(species[s]);
    p.energy_shift.push_back(0);
  }
  check(p);
  return p;
}

}  // namespace grapevine::mace
