#include "models/nequip/training/new_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <tuple>

#include "formats/elements.hpp"
#include "models/equivariant/training/new_maps.hpp"
#include "models/nequip/training/arrays.hpp"
#include "support/error.hpp"

namespace grapevine::nequip {
namespace {

using equivariant::ActivationKind;
using equivariant::normalised_activation;

int edge_parity(const ModelOptions& options, int l) { return options.parity != "ignored" && l % 2 == 1 ? -1 : 1; }

int channels_of(const ModelOptions& options, int order) {
  return options.channels[options.channels.size() == 1 ? 0 : static_cast<std::size_t>(order)];
}

/// Whether irreps of the list times a harmonic give irreps like these.
bool is_reached(const ModelOptions& options, const IrrepsList& list, const Irreps& wanted) {
  for (const Irreps& irreps : list)
    for (int l = std::abs(irreps.order - wanted.order); l <= std::min(irreps.order + wanted.order, options.edge_order);
         ++l)
      if (irreps.parity * edge_parity(options, l) == wanted.parity) return true;
  return false;
}

/// Features behind an interaction that takes `input`: only those that can be other than zero.
IrrepsList features_after(const ModelOptions& options, const IrrepsList& input, int highest) {
  IrrepsList list;
  for (int l = 0; l <= highest; ++l)
    for (const int parity : {1, -1}) {
      const bool wanted = options.parity == "both" ? highest > 0 || parity == 1 : parity == edge_parity(options, l);
      const Irreps irreps{channels_of(options, l), l, parity};
      if (wanted && is_reached(options, input, irreps)) list.push_back(irreps);
    }
  return list;
}

Gate gate_of(const IrrepsList& features) {
  Gate gate;
  for (const Irreps& irreps : features) (irreps.order == 0 ? gate.scalars : gate.gated).push_back(irreps);
  for (const Irreps& irreps : gate.scalars)
    gate.scalar_activation.push_back(
        normalised_activation(irreps.parity == 1 ? ActivationKind::silu : ActivationKind::tanh));
  gate.gate_activation.assign(gate.gated.size(), normalised_activation(ActivationKind::silu));
  return gate;
}

std::vector<Path> paths_of(const ModelOptions& options, const IrrepsList& input, const IrrepsList& wanted) {
  std::vector<Path> paths;
  for (std::size_t i = 0; i < input.size(); ++i)
    for (int l = 0; l <= options.edge_order; ++l)
      for (int order = std::abs(input[i].order - l); order <= input[i].order + l; ++order) {
        const Irreps product{1, order, input[i].parity * edge_parity(options, l)};
        if (std::any_of(wanted.begin(), wanted.end(), [&](const Irreps& x) { return x.transforms_like(product); }))
          paths.push_back({static_cast<int>(i), l, order, product.parity});
      }
  std::stable_sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) {
    return std::tuple(a.order, -a.parity) < std::tuple(b.order, -b.parity);
  });
  return paths;
}

Interaction new_interaction(const ModelOptions& options, const IrrepsList& input, int highest, std::size_t species) {
  Interaction x;
  x.input = input;
  x.gate = gate_of(features_after(options, input, highest));
  x.mix_input = equivariant::new_linear(input, input);
  x.paths = paths_of(options, input, x.gate.inputs());
  x.radial.layers =
      equivariant::new_layers(options.radial_functions, options.radial_widths, equivariant::channels(x.messages()));
  x.radial.activation = normalised_activation(ActivationKind::silu);
  x.mix_messages = equivariant::new_linear(x.messages(), x.gate.inputs());
  x.self_connection_kind = SelfConnectionKind::per_species;
  x.self_connection = equivariant::new_linears(species, input, x.gate.inputs());
  return x;
}

}  // namespace

void check_options(const ModelOptions& options) {
  if (options.max_order > options.edge_order)
    throw Error(fmt::format("model.max_order is {}, more than edge_order, {}", options.max_order, options.edge_order));
  if (options.edge_order > equivariant::max_order)
    throw Error(fmt::format("model.edge_order is {}; of NequIP at most {} is supported", options.edge_order,
                            equivariant::max_order));
  const std::size_t orders = static_cast<std::size_t>(options.max_order) + 1;
  if (options.channels.size() != 1 && options.channels.size() != orders)
    throw Error(fmt::format("model.channels must be one number, or {}, one for each order up to max_order", orders));
}

Parameters new_parameters(const ModelOptions& options, const NewModel& model) {
  constexpr int cutoff_power = 6;
  check_options(options);
  const std::size_t species = model.species.size();
  Parameters p;
  p.species = model.species;
  p.basis = equivariant::bessel_basis(options.cutoff, options.radial_functions, 2 / options.cutoff, cutoff_power);
  p.edge_order = options.edge_order;
  p.odd_harmonics = options.parity != "ignored";
  IrrepsList features = {{options.channels.front(), 0, 1}};
  p.embedding.resize(species * static_cast<std::size_t>(options.channels.front()));
  for (int t = 0; t < options.interactions; ++t) {
    const bool is_last = t + 1 == options.interactions;
    p.interactions.push_back(new_interaction(options, features, is_last ? 0 : options.max_order, species));
    p.interactions.back().denominator = std::sqrt(model.mean_neighbours);
    features = p.interactions.back().gate.outputs();
  }
  p.readout = equivariant::new_layers(options.channels.front(), options.readout_widths, 1);
  p.energy_scale.assign(species, model.energy_scale);
  p.energy_shift.assign(species, 0.0);
  RandomNumbers random(model.seed);
  for_each_array(p, [&](const auto& array) { equivariant::fill(array, random); });
  check(p);
  return p;
}

Parameters extend_species(Parameters p, const std::vector<std::string>& species, std::uint64_t seed) {
  RandomNumbers random(seed);
  const std::size_t known = p.species.size();
  const auto width = static_cast<std::size_t>(channels(p.interactions.front().input));
  for (std::size_t s = known; s < species.size(); ++s) {
    equivariant::append_random_row(p.embedding, width, random);
    if (!p.neighbour_scale.empty()) equivariant::append_mean_row(p.neighbour_scale, s);
    equivariant::append_mean_row(p.energy_scale, s);
    for (Interaction& x : p.interactions)
      if (x.self_connection_kind == SelfConnectionKind::per_species)
        x.self_connection.push_back(equivariant::mean_of(x.self_connection));
    if (p.zbl) p.zbl->charge.push_back(atomic_number(species[s]));
    p.species.push_back(species[s]);
    p.energy_shift.push_back(0);
  }
  if (!p.pair_cutoff.empty()) {
    const std::vector<double> old = p.pair_cutoff;
    p.pair_cutoff.assign(p.species.size() * p.species.size(), p.cutoff());
    for (std::size_t a = 0; a < known; ++a)
      for (std::size_t b = 0; b < known; ++b) p.pair_cutoff[a * p.species.size() + b] = old[a * known + b];
  }
  check(p);
  return p;
}

}  // namespace grapevine::nequip
