#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "models/parameter_array.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine::reann {

namespace detail {

template <class Number>
ParameterArray<Number> array_of(std::string name, std::string group, Number* data, std::size_t rows,
                                std::size_t columns, bool decays, double unit) {
  return {std::move(name), std::move(group), data, rows, columns, decays, unit};
}

template <class Vector, class Function>
void visit(const std::string& name, const std::string& group, Vector& values, const Function& function) {
  function(array_of(name, group, values.data(), std::size_t{1}, values.size(), false, 1.0));
}

template <class L, class Function>
void visit_linear(const std::string& name, const std::string& group, L& linear, const Function& function) {
  function(array_of(name + ".weight", group, linear.weight.data(), static_cast<std::size_t>(linear.outputs),
                    static_cast<std::size_t>(linear.inputs), true, 1.0));
  visit(name + ".bias", group, linear.bias, function);
}

template <class A, class Function>
void visit_activation(const std::string& name, const std::string& group, A& activation, const Function& function) {
  visit(name + ".alpha", group, activation.alpha, function);
  visit(name + ".beta", group, activation.beta, function);
}

template <class N, class Function>
void visit_network(const std::string& name, const std::string& group, N& network, const Function& function) {
  visit_linear(name + ".input", group, network.input, function);
  for (std::size_t b = 0; b < network.blocks.size(); ++b)
    for (std::size_t s = 0; s < network.blocks[b].size(); ++s) {
      auto& step = network.blocks[b][s];
      const std::string step_name = name + ".block." + std::to_string(b) + ".step." + std::to_string(s);
      visit_activation(step_name + ".activation", group, step.activation, function);
      if (step.norm) {
        visit(step_name + ".norm.weight", group, step.norm->weight, function);
        visit(step_name + ".norm.bias", group, step.norm->bias, function);
      }
      visit_linear(step_name + ".linear", group, step.linear, function);
    }
  visit_activation(name + ".activation", group, network.activation, function);
  visit_linear(name + ".output", group, network.output, function);
}

}  // namespace detail

/// Calls function(ParameterArray) for all trainable numbers of `parameters` (constant or not), always in the same
/// order. Components of an edge vector grow like r^l, so that mixing coefficients of order l are smaller by as much.
template <class P, class Function>
void for_each_array(P& p, const Function& function) {
  detail::visit("radial.exponent", "radial", p.radial_exponent, function);
  detail::visit("radial.centre", "radial", p.radial_centre, function);
  detail::visit("coefficients.initial", "initial", p.initial_coefficient, function);
  const auto waves = static_cast<std::size_t>(p.waves);
  const auto orbitals = static_cast<std::size_t>(p.orbitals);
  auto* mixing = p.mixing.data();
  for (int t = 0; t <= p.layers; ++t)
    for (int l = 0; l <= p.max_order; ++l, mixing += waves * orbitals)
      function(detail::array_of("mixing." + std::to_string(t) + ".order." + std::to_string(l), std::string("mixing"),
                                mixing, waves, orbitals, true, std::pow(0.6 * p.cutoff, -l)));
  for (int t = 0; t < p.layers; ++t)
    for (std::size_t s = 0; s < p.species.size(); ++s)
      detail::visit_network("message." + std::to_string(t) + "." + p.species[s], "message",
                            p.message[static_cast<std::size_t>(t)][s], function);
  for (std::size_t s = 0; s < p.species.size(); ++s)
    detail::visit_network("readout." + p.species[s], "readout", p.readout[s], function);
}

}  // namespace grapevine::reann
