#include "nequip_random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <random>
#include <tuple>

#include "support/error.hpp"

namespace grapevine::test {

namespace {

using equivariant::ActivationKind;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using nequip::Interaction;
using Vector = std::vector<double>;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  double operator()(double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine_); }
  Vector operator()(int n, double low, double high) {
    Vector values(static_cast<std::size_t>(n));
    for (double& value : values) value = (*this)(low, high);
    return values;
  }
  Vector normal(int n, double width) {
    std::normal_distribution<double> distribution(0, width);
    Vector values(static_cast<std::size_t>(n));
    for (double& value : values) value = distribution(engine_);
    return values;
  }

 private:
  std::mt19937 engine_;
};

// Near 1 / root mean square of the activation for normal input.
equivariant::Activation activation(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::silu: return {kind, 1.6767};
    case ActivationKind::tanh: return {kind, 1.5927};
    case ActivationKind::relu: return {kind, 1.4142};
    case ActivationKind::sigmoid: return {kind, 1.8467};
    case ActivationKind::elu: return {kind, 1.2450};
    case ActivationKind::shifted_softplus: return {kind, 1.8754};
    default: return {kind, 1.0};
  }
}

std::vector<Dense> random_layers(int inputs, std::vector<int> widths, int outputs, bool biases, Random& random) {
  widths.push_back(outputs);
  std::vector<Dense> layers;
  for (const int width : widths) {
    Dense& dense = layers.emplace_back(Dense{inputs, width, random.normal(inputs * width, 1 / std::sqrt(inputs)), {}});
    if (biases) dense.bias = random(width, -0.3, 0.3);
    inputs = width;
  }
  return layers;
}

EquivariantLinear random_linear(const IrrepsList& inputs, const IrrepsList& outputs, double scale, bool biases,
                                Random& random) {
  EquivariantLinear linear{inputs, outputs, {}, {}};
  int even_scalars = 0;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (outputs[o].order == 0 && outputs[o].parity == 1) even_scalars += outputs[o].channels;
    int sum = 0;
    for (const Irreps& input : inputs) sum += input.transforms_like(outputs[o]) ? input.channels : 0;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].transforms_like(outputs[o]))
        linear.parts.push_back({static_cast<int>(i), static_cast<int>(o),
                                random.normal(inputs[i].channels * outputs[o].channels, scale / std::sqrt(sum))});
  }
  if (biases) linear.bias = random(even_scalars, -0.3, 0.3);
  return linear;
}

equivariant::Gate make_gate(const NequipSizes& sizes, const IrrepsList& features) {
  equivariant::Gate gate;
  gate.gate_parity = -1;
  for (const Irreps& irreps : features) {
    const bool scalar = irreps.order == 0;
    (scalar ? gate.scalars : gate.gated).push_back(irreps);
    if (scalar && irreps.parity == 1) gate.gate_parity = 1;
    if (scalar)
      gate.scalar_activation.push_back(activation(irreps.parity == 1 ? sizes.even_activation : sizes.odd_activation));
  }
  gate.gate_activation.assign(gate.gated.size(),
                              activation(gate.gate_parity == 1 ? sizes.even_activation : sizes.odd_activation));
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

equivariant::Zbl random_zbl(int species, Random& random) {
  equivariant::Zbl zbl;
  zbl.charge = random(species, 2.0, 9.0);
  zbl.cutoff_power = 5;
  return zbl;
}

Interaction random_interaction(const NequipSizes& sizes, const IrrepsList& first, const IrrepsList& input,
                               const IrrepsList& output, Random& random) {
  Interaction x;
  x.input = input;
  x.gate = make_gate(sizes, output);
  x.mix_input = random_linear(input, input, 1, sizes.biases, random);
  x.paths = make_paths(sizes, x);
  x.radial.layers = random_layers(sizes.basis, sizes.radial_widths, equivariant::channels(x.messages()), false, random);
  x.radial.activation = activation(sizes.radial_activation);
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
  p.readout_activation = activation(sizes.readout_activation);
  p.energy_scale = random(species, 0.7, 1.5);
  p.energy_shift = random(species, -3.0, -2.0);
  if (sizes.pair_cutoffs) p.pair_cutoff = random(species * species, 0.6 * sizes.cutoff, sizes.cutoff);
  if (sizes.neighbour_scale) p.neighbour_scale = random(species, 0.5, 1.5);
  if (sizes.zbl) p.zbl = random_zbl(species, random);
  nequip::check(p);
  return p;
}

Frame random_crystal(const std::vector<std::string>& symbols, int atoms, const std::array<double, 9>& cell,
                     unsigned seed) {
  Random random(seed);
  Frame frame;
  frame.cell = cell;
  frame.periodic = {true, true, true};
  const auto clear_of = [&](const Vector& a, const double* b) {
    for (int n = 0; n < 343; ++n) {
      double square = 0;
      for (int x = 0; x < 3; ++x)
        square += std::pow(
            a[x] - b[x] + (n / 49 - 3) * cell[x] + (n / 7 % 7 - 3) * cell[3 + x] + (n % 7 - 3) * cell[6 + x], 2);
      if (square < 1.5 * 1.5) return false;
    }
    return true;
  };
  for (int tries = 0; frame.atoms() < atoms; ++tries) {
    if (tries == 100000) throw Error("no room for so many atoms");
    const Vector s = random(3, -0.3, 1.3);
    Vector position(3);
    for (int x = 0; x < 3; ++x) position[x] = s[0] * cell[x] + s[1] * cell[3 + x] + s[2] * cell[6 + x];
    bool clear = true;
    for (int j = 0; j < frame.atoms(); ++j) clear = clear && clear_of(position, &frame.positions[3 * j]);
    if (!clear) continue;
    frame.symbols.push_back(symbols[frame.symbols.size() % symbols.size()]);
    frame.positions.insert(frame.positions.end(), position.begin(), position.end());
  }
  return frame;
}

}  // namespace grapevine::test
