#include "models/reann/random_parameters.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>

#include "support/error.hpp"

namespace grapevine::reann {
namespace {

constexpr double message_scale = 0.05;  // a message corrects the coefficients, it does not replace them
constexpr double energy_scale = 0.02;   // eV

/// Uniform numbers. The standard's distributions differ between libraries, its engines do not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  double operator()(double low, double high) {
    constexpr double unit = 1.0 / 9007199254740992.0;  // 2^-53
    return low + (high - low) * unit * static_cast<double>(engine_() >> 11);
  }

  std::vector<double> operator()(std::size_t count, double low, double high) {
    std::vector<double> values(count);
    for (double& value : values) value = (*this)(low, high);
    return values;
  }

 private:
  std::mt19937_64 engine_;
};

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

Linear random_linear(int inputs, int outputs, double scale, Random& random) {
  const double size = scale / std::sqrt(inputs);
  return {inputs, outputs, random(product(inputs, outputs), -size, size),
          random(static_cast<std::size_t>(outputs), -0.1 * scale, 0.1 * scale)};
}

Activation random_activation(int width, Random& random) {
  const auto n = static_cast<std::size_t>(width);
  return {ActivationKind::relu_like, random(n, 0.8, 1.2), random(n, 0.8, 1.2)};
}

ResidualStep random_step(int inputs, int outputs, Random& random) {
  const auto n = static_cast<std::size_t>(inputs);
  ResidualStep step;
  step.activation = random_activation(inputs, random);
  step.norm = LayerNorm{random(n, 0.8, 1.2), random(n, -0.1, 0.1)};
  step.linear = random_linear(inputs, outputs, 1, random);
  return step;
}

Network random_network(int inputs, std::vector<int> widths, int outputs, double scale, Random& random) {
  widths.push_back(widths.front());
  Network network;
  network.input = random_linear(inputs, widths.front(), 1, random);
  ResidualBlock& block = network.blocks.emplace_back();
  for (std::size_t n = 0; n + 1 < widths.size(); ++n) block.push_back(random_step(widths[n], widths[n + 1], random));
  network.activation = random_activation(widths.front(), random);
  network.output = random_linear(widths.front(), outputs, scale, random);
  return network;
}

/// Components of an edge vector grow like r^l: the weights of order l are smaller by as much.
std::vector<double> random_mixing(const Parameters& p, Random& random) {
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
  if (sizes.species.empty() || sizes.waves < 1 || sizes.max_order < 0 || sizes.layers < 0 || sizes.cutoff <= 0 ||
      !is_network(sizes.message_widths) || !is_network(sizes.readout_widths))
    throw Error("a model has at least one species, one wave, networks of at least one width, and a positive cutoff");
}

}  // namespace

Parameters random_parameters(const Sizes& sizes, std::uint64_t seed) {
  check_sizes(sizes);
  Random random(seed);
  Parameters p;
  p.species = sizes.species;
  p.cutoff = sizes.cutoff;
  p.waves = sizes.waves;
  p.max_order = sizes.max_order;
  p.orbitals = sizes.waves * (sizes.waves + 1) / 2 * (sizes.max_order + 1);
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
      networks.push_back(random_network(p.orbitals, sizes.message_widths, p.waves, message_scale, random));
  for (std::size_t s = 0; s < species; ++s)
    p.readout.push_back(random_network(p.orbitals, sizes.readout_widths, 1, energy_scale, random));
  p.energy_shift.assign(species, 0.0);
  check(p);
  return p;
}

}  // namespace grapevine::reann
