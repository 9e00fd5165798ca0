#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "models/equivariant/linear.hpp"
#include "models/parameter_array.hpp"

/// Trainable numbers of what equivariant architectures share. Maps are kept as they are applied, normalisations
/// included; the units are these normalisations as e3nn has them, so that the optimiser sees weights of order one, on
/// which a learning rate acts as it does in the programs that models come from.
namespace grapevine::equivariant {

/// Calls function(ParameterArray) for rows times columns numbers from data on, unless there are none.
template <class Number, class Function>
void visit_matrix(std::string name, std::string group, Number* data, std::size_t rows, std::size_t columns, double unit,
                  bool decays, const Function& function) {
  if (rows * columns > 0)
    function(ParameterArray<Number>{std::move(name), std::move(group), data, rows, columns, decays, unit});
}

/// Numbers that stand each for itself: shifts and scales.
template <class Vector, class Function>
void visit_vector(std::string name, std::string group, Vector& values, const Function& function) {
  visit_matrix(std::move(name), std::move(group), values.data(), std::size_t{1}, values.size(), 1.0, false, function);
}

/// How many numbers a map sums into each channel of its output `output`.
inline int fan_in(const EquivariantLinear& linear, int output) {
  int sum = 0;
  for (const Irreps& irreps : linear.inputs)
    if (irreps.transforms_like(linear.outputs[static_cast<std::size_t>(output)])) sum += irreps.channels;
  return sum;
}

/// A map whose inputs are multiplied by `copies` numbers first, of which one is not zero: one for each species, say.
template <class L, class Function>
void visit_map(const std::string& name, const std::string& group, L& linear, std::size_t copies,
               const Function& function) {
  for (auto& part : linear.parts) {
    const auto rows = static_cast<std::size_t>(linear.inputs[static_cast<std::size_t>(part.input)].channels);
    const auto columns = static_cast<std::size_t>(linear.outputs[static_cast<std::size_t>(part.output)].channels);
    const double sum = static_cast<double>(copies) * fan_in(linear, part.output);
    visit_matrix(name + ".part." + std::to_string(part.input) + "." + std::to_string(part.output), group,
                 part.weight.data(), rows, columns, 1 / std::sqrt(sum), true, function);
  }
  visit_vector(name + ".bias", group, linear.bias, function);
}

template <class Layers, class Function>
void visit_layers(const std::string& name, const std::string& group, Layers& layers, const Function& function) {
  for (std::size_t n = 0; n < layers.size(); ++n) {
    auto& dense = layers[n];
    const std::string layer = name + ".layer." + std::to_string(n);
    visit_matrix(layer + ".weight", group, dense.weight.data(), static_cast<std::size_t>(dense.inputs),
                 static_cast<std::size_t>(dense.outputs), 1 / std::sqrt(dense.inputs), true, function);
    visit_vector(layer + ".bias", group, dense.bias, function);
  }
}

/// The embedding, [species][channels]: a map of one number for each species, of which one is not zero.
template <class Vector, class Function>
void visit_embedding(Vector& embedding, std::size_t species, const Function& function) {
  visit_matrix("embedding", "embedding", embedding.data(), species, embedding.size() / species,
               1 / std::sqrt(static_cast<double>(species)), false, function);
}

/// The roots of Bessel functions, in units of pi of the cutoff: 1, 2, ... of a new model.
template <class Basis, class Function>
void visit_basis(Basis& basis, const Function& function) {
  visit_matrix("basis.frequency", "basis", basis.frequency.data(), std::size_t{1}, basis.frequency.size(),
               std::numbers::pi / basis.cutoff, false, function);
}

}  // namespace grapevine::equivariant
