#include "models/reann/isolated_atoms.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace grapevine::reann {
namespace {

// silu(-30) is 3e-12; the other activation only falls with the square of its input.
constexpr double silu_off = -30;
constexpr double tanh_like_off = -1e4;

double activate(ActivationKind kind, double alpha, double beta, double x) {
  const double t = beta * x;
  return kind == ActivationKind::relu_like ? alpha * t / (1 + std::exp(-t)) : alpha * x / std::sqrt(1 + t * t);
}

/// What the activation tends to far below zero.
double lowest(ActivationKind kind) { return kind == ActivationKind::relu_like ? 0 : -1; }

/// The activation of a switch at rho = 0, above what it is for atoms with neighbours.
double height(ActivationKind kind) { return activate(kind, 1, 1, IsolatedAtoms::on) - lowest(kind); }

std::vector<double> applied(const Activation& activation, std::vector<double> x) {
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = activate(activation.kind, activation.alpha[i], activation.beta[i], x[i]);
  return x;
}

std::vector<double> applied(const LayerNorm& norm, std::vector<double> x) {
  constexpr double epsilon = 1e-5;
  const auto n = static_cast<double>(x.size());
  double mean = 0;
  for (const double value : x) mean += value / n;
  double variance = 0;
  for (const double value : x) variance += (value - mean) * (value - mean) / n;
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = norm.weight[i] * (x[i] - mean) / std::sqrt(variance + epsilon) + norm.bias[i];
  return x;
}

std::vector<double> applied(const Linear& linear, const std::vector<double>& x) {
  std::vector<double> y = linear.bias;
  for (std::size_t o = 0; o < y.size(); ++o)
    for (std::size_t i = 0; i < x.size(); ++i) y[o] += linear.weight[o * x.size() + i] * x[i];
  return y;
}

/// The network at rho = 0, where its first linear map leaves the bias alone.
double output_alone(const Network& network) {
  std::vector<double> x = network.input.bias;
  for (const ResidualBlock& block : network.blocks) {
    std::vector<double> step_in = x;
    for (const ResidualStep& step : block) {
      std::vector<double> y = applied(step.activation, std::move(step_in));
      if (step.norm) y = applied(*step.norm, std::move(y));
      step_in = applied(step.linear, y);
    }
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += step_in[i];
  }
  return applied(network.output, applied(network.activation, std::move(x))).front();
}

/// Calls function(number, its value) for all numbers of a network's switch but its weights by rho and its amplitude.
template <class N, class Function>
void for_each_switch_number(N& network, const Function& function) {
  function(network.input.bias.back(), IsolatedAtoms::on);
  for (auto& block : network.blocks) {
    auto& first = block.front();
    function(first.activation.alpha.back(), 0.0);
    function(first.activation.beta.back(), 1.0);
    if (first.norm) {
      function(first.norm->weight.back(), 0.0);
      function(first.norm->bias.back(), 0.0);
    }
    const auto inputs = static_cast<std::size_t>(first.linear.inputs);
    for (std::size_t n = inputs; n <= first.linear.weight.size(); n += inputs)
      function(first.linear.weight[n - 1], 0.0);
    auto& last = block.back().linear;
    for (auto n = last.weight.size() - static_cast<std::size_t>(last.inputs); n < last.weight.size(); ++n)
      function(last.weight[n], 0.0);
    function(last.bias.back(), 0.0);
  }
  function(network.activation.alpha.back(), 1.0);
  function(network.activation.beta.back(), 1.0);
}

/// The weights by rho of a network's switch: the last row of its first linear map.
template <class N>
auto switch_row(N& network) {
  return network.input.weight.end() - network.input.inputs;
}

void clear_switch(Network& network) {
  for_each_switch_number(network, [](double& number, double) { number = 0; });
  std::fill(switch_row(network), network.input.weight.end(), 0.0);
  network.output.weight.back() = 0;
}

bool has_switch(const Network& network) {
  bool found = std::all_of(switch_row(network), network.input.weight.end(), [](double w) { return w <= 0; });
  for_each_switch_number(network, [&](double number, double value) { found = found && number == value; });
  return found;
}

}  // namespace

double isolated_atom_energy(const Parameters& parameters, int species) {
  const auto s = static_cast<std::size_t>(species);
  return output_alone(parameters.readout[s]) + parameters.energy_shift[s];
}

double switched_off(ActivationKind kind) {
  return (kind == ActivationKind::relu_like ? silu_off : tanh_like_off) - IsolatedAtoms::on;
}

void hold(Parameters& parameters, const IsolatedAtoms& atoms) {
  for (std::size_t s = 0; s < parameters.readout.size(); ++s) {
    Network& network = parameters.readout[s];
    for_each_switch_number(network, [](double& number, double value) { number = value; });
    std::copy(atoms.input_weight[s].begin(), atoms.input_weight[s].end(), switch_row(network));
    network.output.weight.back() = 0;
    if (!atoms.energy[s]) continue;
    const ActivationKind kind = network.activation.kind;
    const double missing = *atoms.energy[s] - isolated_atom_energy(parameters, static_cast<int>(s));
    const double amplitude = missing / height(kind);
    network.output.weight.back() = amplitude;
    network.output.bias[0] -= amplitude * lowest(kind);
  }
}

void release(Parameters& parameters) {
  for (Network& network : parameters.readout) {
    network.output.bias[0] += network.output.weight.back() * lowest(network.activation.kind);
    clear_switch(network);
  }
}

std::optional<IsolatedAtoms> held_atoms(const Parameters& parameters) {
  IsolatedAtoms atoms;
  for (std::size_t s = 0; s < parameters.readout.size(); ++s) {
    const Network& network = parameters.readout[s];
    if (!has_switch(network)) return std::nullopt;
    atoms.input_weight.emplace_back(switch_row(network), network.input.weight.end());
    atoms.energy.push_back(network.output.weight.back() == 0
                               ? std::nullopt
                               : std::optional(isolated_atom_energy(parameters, static_cast<int>(s))));
  }
  return atoms;
}

std::vector<double> slopes_by_isolated_atoms(const Parameters& gradient, const IsolatedAtoms& atoms) {
  std::vector<double> slopes(atoms.energy.size());
  for (std::size_t s = 0; s < slopes.size(); ++s) {
    if (!atoms.energy[s]) continue;
    const Network& network = gradient.readout[s];
    const ActivationKind kind = network.activation.kind;
    slopes[s] = -(network.output.weight.back() - lowest(kind) * network.output.bias[0]) / height(kind);
  }
  return slopes;
}

void clear_switches(Parameters& gradient) {
  for (Network& network : gradient.readout) clear_switch(network);
}

}  // namespace grapevine::reann
