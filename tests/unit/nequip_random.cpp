#include "nequip_random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <tuple>

namespace grapevine::test {

namespace {

using equivariant::ActivationKind;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using nequip::Interaction;
using Vector = std::vector<double>;

equivariant::Gate make_gate(const NequipSizes& sizes, const IrrepsList& features) {
  equivariant::Gate gate;
  gate.gate_parity = -1;
  for (const Irreps& irreps : features) {
    const bool scalar = irreps.order == 0;
    (scalar ? gate.scalars : gate.gated).push_back(irreps);
    if (scalar && irreps.parity == 1) gate.gate_parity = 1;
    if (scalar)
      gate.scalar_activation.push_back(
          scaled_activation(irreps.parity == 1 ? sizes.even_activation : sizes.odd_activation));
  }
  gate.gate_activation.assign(gate.gated.size(),
                              scaled_activation(gate.gate_parity == 1 ? sizes.even_activation : sizes.odd_activation));
  return gate;
}

std::vector<Path> make_paths(const NequipSizes& sizes, const Interaction& interaction) {
  const IrrepsList wanted = interaction.gate.inputs();
  std::vector<Path> paths;
  for (std::size_t i = 0; i < interaction.input.size(); ++i)
    for (int l = 0; l <= sizes.edge_order; ++l) {
      const Irreps& input = interaction.input[i];
      const int parity = sizes.odd_harmonics && l % 2 == 1 ? -input.parity : input.parity;
      for (int order = std::abs(input.order - l); order <= std::min(input.order + l, equivariant::max_order); ++order)
        if (sizes.unused_paths || std::any_of(wanted.begin(), wanted.end(), [&](const Irreps& irreps) {
              return irreps.transforms_like({1, order, parity});
            }))
          paths.push_back({static_cast<int>(i), l, order, parity});
    }
  if (sizes.sorted_paths)
    std::stable_sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) {
      return std::tuple(a.order, -a.parity) < std::tuple(b.order, -b.parity);
    });
  return paths;
}

void add_self_connection(const NequipSizes& sizes, Interaction& x, const IrrepsList& first, Random& random) {
  using nequip::SelfConnectionKind;
  int connections = 0;
  double scale = 0.7;
  switch (sizes.self_connection) {
    case SelfConnection::none: return;
    case SelfConnection::linear:
      x.self_connection_kind = SelfConnectionKind::shared;
      connections = 1;
      break;
    case SelfConnection::by_species:
      x.self_connection_kind = SelfConnectionKind::per_species;
      connections = static_cast<int>(sizes.species.size());
      break;
    case SelfConnection::by_embedding:
      x.self_connection_kind = SelfConnectionKind::per_embedding;
      connections = channels(first);
      scale /= std::sqrt(connections);
  }
  for (int n = 0; n < connections; ++n)
    x.self_connection.push_back(random_linear(x.input, x.gate.inputs(), scale, sizes.biases, random));
}

equivariant::RmsNorm random_norm(const IrrepsList& list, Random& random) {
  equivariant::RmsNorm norm{{}, random(channels(list), 0.5, 1.5), 1e-12};
  for (const Irreps& irreps : list)
    norm.share.push_back(random(0.5, 1.5) / static_cast<double>(irreps.components() * irreps.channels) /
                         static_cast<double>(list.size()));
  return norm;
}

Interaction random_interaction(const NequipSizes& sizes, const IrrepsList& first, const IrrepsList& input,
                               const IrrepsList& output, Random& random) {
  Interaction x;
  x.input = input;
  x.gate = make_gate(sizes, output);
  x.mix_input = random_linear(input, input, 1, sizes.biases, random);
  x.paths = make_paths(sizes, x);
  x.radial.layers = random_layers(sizes.basis, sizes.radial_widths, equivariant::channels(x.messages()), false, random);
  x.radial.activation = scaled_activation(sizes.radial_activation);
  x.denominator = random(3.0, 5.0);
  x.mix_messages = random_linear(x.messages(), x.gate.inputs(), 1.5, sizes.biases, random);
  add_self_connection(sizes, x, first, random);
  if (sizes.norm) x.norm = random_norm(x.gate.inputs(), random);
  return x;
}

}  // namespace

nequip::Parameters random_parameters(const NequipSizes& sizes, unsigned seed) {
  Random random(seed);
  nequip::Parameters p;
  p.species = sizes.species;
  p.basis.cutoff = sizes.cutoff;
  p.edge_order = sizes.edge_order;
  p.odd_harmonics = sizes.odd_harmonics;
  p.normalised_harmonics = sizes.normalised_harmonics;
  for (int n = 1; n <= sizes.basis; ++n)
    p.basis.frequency.push_back((n + random(-0.05, 0.05)) * std::numbers::pi / sizes.cutoff);
  p.basis.prefactor = 8 / sizes.cutoff;
  p.basis.cutoff_kind = sizes.cutoff_kind;
  p.basis.cutoff_power = sizes.cutoff_power;
  p.basis.cutoff_onset = sizes.cutoff_onset;
  std::vector<IrrepsList> features;
  for (const std::string& text : sizes.features) features.push_back(equivariant::parse_irreps(text, "features"));
  const int species = static_cast<int>(sizes.species.size());
  p.embedding = random.normal(species * equivariant::channels(features.front()), 1);
  for (std::size_t t = 0; t + 1 < features.size(); ++t)
    p.interactions.push_back(random_interaction(sizes, features[0], features[t], features[t + 1], random));
  p.readout = random_layers(even_scalars(features.back()), sizes.readout_widths, 1, sizes.biases, random);
  p.readout_activation = scaled_activation(sizes.readout_activation);
  p.energy_scale = random(species, 0.7, 1.5);
  p.energy_shift = random(species, -3.0, -2.0);
  if (sizes.pair_cutoffs) p.pair_cutoff = random(species * species, 0.6 * sizes.cutoff, sizes.cutoff);
  if (sizes.neighbour_scale) p.neighbour_scale = random(species, 0.5, 1.5);
  if (sizes.zbl) p.zbl = random_zbl(species, random);
  nequip::check(p);
  return p;
}

}  // namespace grapevine::test
