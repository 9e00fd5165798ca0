#include "reann_reference.hpp"

#include <cmath>
#include <numbers>

namespace grapevine::test {

namespace {

using reann::Activation;
using reann::ActivationKind;
using reann::LayerNorm;
using reann::Linear;
using reann::Network;
using Vector = std::vector<double>;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  Vector operator()(std::size_t n, double low, double high) {
    std::uniform_real_distribution<double> distribution(low, high);
    Vector values(n);
    for (double& value : values) value = distribution(engine_);
    return values;
  }

 private:
  std::mt19937 engine_;
};

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

Linear random_linear(int inputs, int outputs, Random& random) {
  const double size = 1.5 / std::sqrt(inputs);
  return {inputs, outputs, random(product(inputs, outputs), -size, size), random(outputs, -0.3, 0.3)};
}

Activation random_activation(ActivationKind kind, int width, Random& random) {
  return {kind, random(width, 0.5, 1.5), random(width, -1.2, 1.2)};
}

Network random_network(const ReannSizes& sizes, int outputs, Random& random) {
  std::vector<int> widths = sizes.widths;
  widths.push_back(sizes.widths.front());
  Network network;
  network.input = random_linear(sizes.orbitals, widths.front(), random);
  for (int b = 0; b < sizes.blocks; ++b) {
    reann::ResidualBlock& block = network.blocks.emplace_back();
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
      reann::ResidualStep step;
      step.activation = random_activation(sizes.activation, widths[i], random);
      if (sizes.norm) step.norm = LayerNorm{random(widths[i], 0.5, 1.5), random(widths[i], -0.5, 0.5)};
      step.linear = random_linear(widths[i], widths[i + 1], random);
      block.push_back(step);
    }
  }
  network.activation = random_activation(sizes.activation, widths.front(), random);
  network.output = random_linear(widths.front(), outputs, random);
  return network;
}

Vector pass_through(const Linear& linear, const Vector& x) {
  Vector y = linear.bias;
  for (int o = 0; o < linear.outputs; ++o)
    for (int i = 0; i < linear.inputs; ++i) y[o] += linear.weight[product(o, linear.inputs) + i] * x[i];
  return y;
}

Vector pass_through(const Activation& activation, Vector x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double t = activation.beta[i] * x[i];
    x[i] = activation.kind == ActivationKind::relu_like ? activation.alpha[i] * t / (1 + std::exp(-t))
                                                        : activation.alpha[i] * x[i] / std::sqrt(1 + t * t);
  }
  return x;
}

Vector pass_through(const LayerNorm& norm, Vector x) {
  double mean = 0;
  double variance = 0;
  for (const double v : x) mean += v / static_cast<double>(x.size());
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = norm.weight[i] * (x[i] - mean) / std::sqrt(variance + 1e-5) + norm.bias[i];
  return x;
}

Vector pass_through(const Network& network, const Vector& density) {
  Vector x = pass_through(network.input, density);
  for (const reann::ResidualBlock& block : network.blocks) {
    Vector y = x;
    for (const reann::ResidualStep& step : block) {
      y = pass_through(step.activation, y);
      if (step.norm) y = pass_through(*step.norm, y);
      y = pass_through(step.linear, y);
    }
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
  }
  return pass_through(network.output, pass_through(network.activation, x));
}

std::vector<int> species_of(const reann::Parameters& parameters, const Frame& frame) {
  std::vector<int> species;
  for (const std::string& symbol : frame.symbols)
    for (std::size_t s = 0; s < parameters.species.size(); ++s)
      if (parameters.species[s] == symbol) species.push_back(static_cast<int>(s));
  return species;
}

// All 3^l ordered products of the components of d, order by order.
std::vector<Vector> ordered_products(const double* d, int max_order) {
  std::vector<Vector> orders = {{1.0}};
  for (int l = 1; l <= max_order; ++l) {
    Vector next;
    for (const double value : orders.back())
      for (int x = 0; x < 3; ++x) next.push_back(value * d[x]);
    orders.push_back(next);
  }
  return orders;
}

// rho_i of layer t, J. Chem. Phys. 156, 114801 (2022), for every atom.
std::vector<Vector> densities(const reann::Parameters& p, int t, const Frame& frame, const std::vector<int>& species,
                              const std::vector<Vector>& coefficients) {
  const int atoms = frame.atoms();
  std::vector<Vector> result(atoms, Vector(p.orbitals, 0.0));
  for (int i = 0; i < atoms; ++i) {
    std::vector<std::vector<Vector>> sums(p.max_order + 1);
    for (int l = 0; l <= p.max_order; ++l) sums[l].assign(static_cast<std::size_t>(std::pow(3, l)), Vector(p.waves, 0));
    for (int j = 0; j < atoms; ++j) {
      double d[3];
      for (int x = 0; x < 3; ++x) d[x] = frame.positions[3 * i + x] - frame.positions[3 * j + x];
      const double r = std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
      if (i == j || r >= p.cutoff) continue;
      const double cut = std::pow(0.5 * std::cos(std::numbers::pi * r / p.cutoff) + 0.5, 2);
      const std::vector<Vector> products = ordered_products(d, p.max_order);
      for (int k = 0; k < p.waves; ++k) {
        const std::size_t s = product(species[j], p.waves) + k;
        const double wave =
            coefficients[j][k] * cut * std::exp(p.radial_exponent[s] * std::pow(r - p.radial_centre[s], 2));
        for (int l = 0; l <= p.max_order; ++l)
          for (std::size_t c = 0; c < products[l].size(); ++c) sums[l][c][k] += wave * products[l][c];
      }
    }
    for (int l = 0; l <= p.max_order; ++l)
      for (const Vector& sum : sums[l])
        for (int m = 0; m < p.orbitals; ++m) {
          double h = 0;
          for (int k = 0; k < p.waves; ++k)
            h += sum[k] * p.mixing[((product(t, p.max_order + 1) + l) * p.waves + k) * p.orbitals + m];
          result[i][m] += h * h;
        }
  }
  return result;
}

}  // namespace

reann::Parameters random_parameters(const ReannSizes& sizes, unsigned seed) {
  Random random(seed);
  reann::Parameters p;
  p.species = sizes.species;
  p.cutoff = sizes.cutoff;
  p.waves = sizes.waves;
  p.max_order = sizes.max_order;
  p.orbitals = sizes.orbitals;
  p.layers = sizes.layers;
  const int species = static_cast<int>(sizes.species.size());
  p.radial_exponent = random(product(species, sizes.waves), -0.9, 0.05);
  p.radial_centre = random(product(species, sizes.waves), 0.0, sizes.cutoff);
  p.initial_coefficient = random(product(species, sizes.waves), -0.4, 0.6);
  p.mixing = random(product(sizes.layers + 1, sizes.max_order + 1) * product(sizes.waves, sizes.orbitals), -0.4, 0.4);
  for (int t = 0; t < sizes.layers; ++t) {
    p.message.emplace_back();
    for (int s = 0; s < species; ++s) p.message[t].push_back(random_network(sizes, sizes.waves, random));
  }
  for (int s = 0; s < species; ++s) p.readout.push_back(random_network(sizes, 1, random));
  p.energy_shift = random(species, -3.0, -2.0);
  return p;
}

Frame random_cluster(const std::vector<std::string>& symbols, int atoms, double box, unsigned seed) {
  Random random(seed);
  Frame frame;
  while (frame.atoms() < atoms) {
    const Vector position = random(3, 0.0, box);
    bool clear = true;
    for (int j = 0; j < frame.atoms(); ++j) {
      double square = 0;
      for (int x = 0; x < 3; ++x) square += std::pow(position[x] - frame.positions[3 * j + x], 2);
      clear = clear && square > 1.5 * 1.5;
    }
    if (!clear) continue;
    frame.symbols.push_back(symbols[frame.symbols.size() % symbols.size()]);
    frame.positions.insert(frame.positions.end(), position.begin(), position.end());
  }
  return frame;
}

std::vector<double> reference_energies(const reann::Parameters& parameters, const Frame& frame) {
  const std::vector<int> species = species_of(parameters, frame);
  std::vector<Vector> coefficients;
  for (const int s : species) {
    const auto first =
        parameters.initial_coefficient.begin() + static_cast<std::ptrdiff_t>(product(s, parameters.waves));
    coefficients.emplace_back(first, first + parameters.waves);
  }
  for (int t = 0; t < parameters.layers; ++t) {
    const std::vector<Vector> density = densities(parameters, t, frame, species, coefficients);
    for (int i = 0; i < frame.atoms(); ++i) {
      const Vector change = pass_through(parameters.message[t][species[i]], density[i]);
      for (int k = 0; k < parameters.waves; ++k) coefficients[i][k] += change[k];
    }
  }
  const std::vector<Vector> density = densities(parameters, parameters.layers, frame, species, coefficients);
  std::vector<double> energies;
  for (int i = 0; i < frame.atoms(); ++i)
    energies.push_back(pass_through(parameters.readout[species[i]], density[i])[0] +
                       parameters.energy_shift[species[i]]);
  return energies;
}

}  // namespace grapevine::test
