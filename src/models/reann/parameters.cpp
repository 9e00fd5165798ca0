#include "models/reann/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "formats/model_files/model_file.hpp"
#include "models/reann/angular.hpp"
#include "support/error.hpp"

namespace grapevine::reann {
namespace {

// Far above any published model; they keep products of sizes from overflowing and a lying file from exhausting memory.
constexpr int max_waves = 256;
constexpr int max_orbitals = 65536;
constexpr int max_layers = 64;
constexpr int max_width = 65536;
constexpr double max_cutoff = 100;

void check_range(std::string_view name, double value, double low, double high) {
  if (!(value >= low && value <= high))
    throw Error(fmt::format("REANN parameters: {} is {}; expected {} to {}", name, value, low, high));
}

void check_values(const std::string& name, const std::vector<double>& values, std::size_t expected) {
  if (values.size() != expected)
    throw Error(fmt::format("REANN parameters: {} has {} numbers; expected {}", name, values.size(), expected));
  const auto bad = std::find_if_not(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  if (bad != values.end())
    throw Error(fmt::format("REANN parameters: {}[{}] is {}, not a finite number", name, bad - values.begin(), *bad));
}

void check_linear(const std::string& name, const Linear& linear, int inputs, int outputs) {
  if (linear.inputs != inputs || (outputs > 0 && linear.outputs != outputs))
    throw Error(fmt::format("REANN parameters: {} maps {} to {} numbers; expected {} to {}", name, linear.inputs,
                            linear.outputs, inputs, outputs > 0 ? std::to_string(outputs) : "any"));
  check_range(name + ".outputs", linear.outputs, 1, max_width);
  check_values(name + ".weight", linear.weight, static_cast<std::size_t>(inputs) * linear.outputs);
  check_values(name + ".bias", linear.bias, static_cast<std::size_t>(linear.outputs));
}

void check_activation(const std::string& name, const Activation& activation, std::size_t width) {
  check_values(name + ".alpha", activation.alpha, width);
  check_values(name + ".beta", activation.beta, width);
}

void check_block(const std::string& name, const ResidualBlock& block, int width) {
  int current = width;
  for (std::size_t s = 0; s < block.size(); ++s) {
    const ResidualStep& step = block[s];
    const std::string step_name = fmt::format("{}.step.{}", name, s);
    const auto inputs = static_cast<std::size_t>(current);
    check_activation(step_name + ".activation", step.activation, inputs);
    if (step.norm) {
      check_values(step_name + ".norm.weight", step.norm->weight, inputs);
      check_values(step_name + ".norm.bias", step.norm->bias, inputs);
    }
    check_linear(step_name + ".linear", step.linear, current, s + 1 == block.size() ? width : 0);
    current = step.linear.outputs;
  }
  if (block.empty()) throw Error(fmt::format("REANN parameters: {} has no steps", name));
}

void check_network(const std::string& name, const Network& network, int inputs, int outputs) {
  check_linear(name + ".input", network.input, inputs, 0);
  const int width = network.input.outputs;
  for (std::size_t b = 0; b < network.blocks.size(); ++b)
    check_block(fmt::format("{}.block.{}", name, b), network.blocks[b], width);
  check_activation(name + ".activation", network.activation, static_cast<std::size_t>(width));
  check_linear(name + ".output", network.output, width, outputs);
}

void check_networks(const std::string& name, const std::vector<Network>& networks, const Parameters& p, int outputs) {
  if (networks.size() != p.species.size())
    throw Error(
        fmt::format("REANN parameters: {} networks in {} for {} species", networks.size(), name, p.species.size()));
  for (std::size_t s = 0; s < networks.size(); ++s)
    check_network(fmt::format("{}.{}", name, p.species[s]), networks[s], p.orbitals, outputs);
}

/// The first map of each network is run on the products of two waves of an order: few orbitals and many waves make it
/// far larger than it is in a file.
void check_products(const Parameters& p) {
  constexpr std::size_t free_numbers = std::size_t{1} << 24;
  constexpr std::size_t numbers_per_parameter = 64;
  const std::size_t products = static_cast<std::size_t>(p.max_order + 1) * p.waves * (p.waves + 1) / 2;
  std::size_t rows = 0;
  for (const Network& network : p.readout) rows += network.input.outputs;
  for (const std::vector<Network>& networks : p.message)
    for (const Network& network : networks) rows += network.input.outputs;
  if (products * rows > free_numbers + numbers_per_parameter * p.count())
    throw Error(
        fmt::format("REANN parameters: {} waves and {} numbers behind the first maps of all networks are far "
                    "too many for {} parameters",
                    p.waves, rows, p.count()));
}

std::size_t count(const Linear& linear) { return linear.weight.size() + linear.bias.size(); }

std::size_t count(const Activation& activation) { return activation.alpha.size() + activation.beta.size(); }

std::size_t count(const Network& network) {
  std::size_t total = count(network.input) + count(network.activation) + count(network.output);
  for (const ResidualBlock& block : network.blocks)
    for (const ResidualStep& step : block) {
      total += count(step.activation) + count(step.linear);
      if (step.norm) total += step.norm->weight.size() + step.norm->bias.size();
    }
  return total;
}

std::size_t count(const std::vector<Network>& networks) {
  std::size_t total = 0;
  for (const Network& network : networks) total += count(network);
  return total;
}

}  // namespace

std::size_t Parameters::count() const {
  std::size_t total = radial_exponent.size() + radial_centre.size() + initial_coefficient.size() + mixing.size();
  for (const std::vector<Network>& networks : message) total += reann::count(networks);
  return total + reann::count(readout);
}

void check(const Parameters& p) {
  check_species(p.species, "REANN parameters");
  check_range("cutoff", p.cutoff, 1e-3, max_cutoff);
  check_range("waves", p.waves, 1, max_waves);
  check_range("max_order", p.max_order, 0, AngularBasis::highest_order);
  check_range("orbitals", p.orbitals, 1, max_orbitals);
  check_range("layers", p.layers, 0, max_layers);
  const std::size_t radial = p.species.size() * p.waves;
  check_values("radial.exponent", p.radial_exponent, radial);
  check_values("radial.centre", p.radial_centre, radial);
  check_values("coefficients.initial", p.initial_coefficient, radial);
  check_values("orbitals.mixing", p.mixing,
               static_cast<std::size_t>(p.layers + 1) * (p.max_order + 1) * p.waves * p.orbitals);
  if (p.message.size() != static_cast<std::size_t>(p.layers))
    throw Error(fmt::format("REANN parameters: {} message layers; expected {}", p.message.size(), p.layers));
  for (std::size_t t = 0; t < p.message.size(); ++t)
    check_networks(fmt::format("message.{}", t), p.message[t], p, p.waves);
  check_networks("readout", p.readout, p, 1);
  check_values("energy.shift", p.energy_shift, p.species.size());
  check_products(p);
}

double radial_function(const Parameters& parameters, int species, int k, double r) {
  const std::size_t at = static_cast<std::size_t>(species) * parameters.waves + k;
  const double off = r - parameters.radial_centre[at];
  const double cosine = std::cos(std::numbers::pi * r / (2 * parameters.cutoff));
  return std::exp(parameters.radial_exponent[at] * off * off) * std::pow(cosine, 4);
}

}  // namespace grapevine::reann
