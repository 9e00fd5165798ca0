#include "models/reann/random_parameters.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <random>
#include <span>

#include "models/random_numbers.hpp"
#include "support/error.hpp"

namespace grapevine::reann {
namespace {

constexpr double message_scale = 0.05;  // a message corrects the coefficients, it does not replace them
constexpr double energy_scale = 0.02;   // eV

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

Linear random_linear(int inputs, int outputs, double scale, RandomNumbers& random) {
  const double size = scale / std::sqrt(inputs);
  return {inputs, outputs, random(product(inputs, outputs), -size, size),
          random(static_cast<std::size_t>(outputs), -0.1 * scale, 0.1 * scale)};
}

Activation random_activation(const Sizes& sizes, int width, RandomNumbers& random) {
  const auto n = static_cast<std::size_t>(width);
  return {sizes.activation, random(n, 0.8, 1.2), random(n, 0.8, 1.2)};
}

ResidualStep random_step(const Sizes& sizes, int inputs, int outputs, RandomNumbers& random) {
  const auto n = static_cast<std::size_t>(inputs);
  ResidualStep step;
  step.activation = random_activation(sizes, inputs, random);
  if (sizes.layer_norm) step.norm = LayerNorm{random(n, 0.8, 1.2), random(n, -0.1, 0.1)};
  step.linear = random_linear(inputs, outputs, 1, random);
  return step;
}

struct NetworkSizes {
  int inputs;
  std::vector<int> widths;
  int blocks;
  int outputs;
};

/// `scale` is the size of what comes out.
Network random_network(const Sizes& sizes, NetworkSizes of, double scale, RandomNumbers& random) {
  const int width = of.widths.front();
  of.widths.push_back(width);
  Network network;
  network.input = random_linear(of.inputs, width, 1, random);
  for (int b = 0; b < of.blocks; ++b) {
    ResidualBlock& block = network.blocks.emplace_back();
    for (std::size_t n = 0; n + 1 < of.widths.size(); ++n)
      block.push_back(random_step(sizes, of.widths[n], of.widths[n + 1], random));
  }
  network.activation = random_activation(sizes, width, random);
  network.output = random_linear(width, of.outputs, scale, random);
  return network;
}

/// Components of an edge vector grow like r^l: the weights of order l are smaller by as much.
std::vector<double> random_mixing(const Parameters& p, RandomNumbers& random) {
  std::vector<double> mixing;
  for (int t = 0; t <= p.layers; ++t)
    for (int l = 0; l <= p.max_order; ++l) {
      const double size = std::pow(0.6 * p.cutoff, -l);
      const std::vector<double> values = random(product(p.waves, p.orbitals), -size, size);
      mixing.insert(mixing.end(), values.begin(), values.end());
    }
  return mixing;
}

void check_sizes(const Sizes& sizes) {
  const auto positive = [](int n) { return n > 0; };
  const auto is_network = [&](const std::vector<int>& widths) {
    return !widths.empty() && std::all_of(widths.begin(), widths.end(), positive);
  };
  if (sizes.orbitals < 0 || sizes.message_blocks < 0 || sizes.readout_blocks < 0)
    throw Error("a model has no negative number of orbitals or of residual blocks");
  if (sizes.species.empty() || sizes.waves < 1 || sizes.max_order < 0 || sizes.layers < 0 || sizes.cutoff <= 0 ||
      !is_network(sizes.message_widths) || !is_network(sizes.readout_widths))
    throw Error("a model has at least one species, one wave, networks of at least one width, and a positive cutoff");
}

double shortest_distance(const Graph& sample) {
  double shortest = std::numeric_limits<double>::infinity();
  EdgeBlock<double> edges;
  for (const int i : sample.centres()) {
    sample.edges({&i, 1}, edges);
    for (std::size_t e = 0; e < static_cast<std::size_t>(edges.edges()); ++e)
      shortest = std::min(shortest, std::hypot(edges.x[e], edges.y[e], edges.z[e]));
  }
  return shortest;
}

/// Waves at equal distances from the shortest bond on; neighbouring ones overlap by half.
void spread_waves(Parameters& p, double shortest) {
  const double begin = std::isfinite(shortest) ? std::min(shortest, 0.7 * p.cutoff) : 0;
  const double end = 0.9 * p.cutoff;
  const double spacing = p.waves > 1 ? (end - begin) / (p.waves - 1) : p.cutoff;
  for (std::size_t n = 0; n < p.radial_centre.size(); ++n) {
    p.radial_centre[n] = begin + spacing * static_cast<double>(n % static_cast<std::size_t>(p.waves));
    p.radial_exponent[n] = -std::numbers::ln2 / (spacing * spacing);
  }
}

}  // namespace

Parameters initial_parameters(const Sizes& sizes, std::uint64_t seed, const Graph& sample) {
  Parameters p = random_parameters(sizes, seed);
  spread_waves(p, shortest_distance(sample));
  check(p);
  return p;
}

Parameters random_parameters(const Sizes& sizes, std::uint64_t seed) {
  check_sizes(sizes);
  RandomNumbers random(seed);
  Parameters p;
  p.species = sizes.species;
  p.cutoff = sizes.cutoff;
  p.waves = sizes.waves;
  p.max_order = sizes.max_order;
  p.orbitals = sizes.orbitals > 0 ? sizes.orbitals : sizes.waves * (sizes.waves + 1) / 2 * (sizes.max_order + 1);
  p.layers = sizes.layers;
  const std::size_t species = sizes.species.size();
  const std::size_t waves = species * static_cast<std::size_t>(sizes.waves);
  p.radial_exponent = random(waves, -0.9, -0.3);
  p.radial_centre = random(waves, 0, sizes.cutoff);
  p.initial_coefficient = random(waves, 0.2, 0.6);
  p.mixing = random_mixing(p, random);
  p.message.resize(static_cast<std::size_t>(sizes.layers));
  for (std::vector<Network>& networks : p.message)
    for (std::size_t s = 0; s < species; ++s)
      networks.push_back(random_network(sizes, {p.orbitals, sizes.message_widths, sizes.message_blocks, p.waves},
                                        message_scale, random));
  for (std::size_t s = 0; s < species; ++s)
    p.readout.push_back(
        random_network(sizes, {p.orbitals, sizes.readout_widths, sizes.readout_blocks, 1}, energy_scale, random));
  p.energy_shift.assign(species, 0.0);
  check(p);
  return p;
}

}  // namespace grapevine::reann
