#include "models/equivariant/linear.hpp"

#include <fmt/format.h>

#include <cmath>

#include "support/error.hpp"

namespace grapevine::equivariant {
namespace {

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

void add(double factor, const std::vector<double>& from, std::vector<double>& to) {
  for (std::size_t n = 0; n < to.size(); ++n) to[n] += factor * from[n];
}

void multiply(double factor, std::vector<double>& values) {
  for (double& value : values) value *= factor;
}

/// to[rows][columns] += a[rows][inner] b[inner][columns]
void add_product(int rows, int inner, int columns, const std::vector<double>& a, const std::vector<double>& b,
                 std::vector<double>& to) {
  for (int r = 0; r < rows; ++r)
    for (int k = 0; k < inner; ++k) {
      const double factor = a[product(r, inner) + static_cast<std::size_t>(k)];
      for (int c = 0; c < columns; ++c)
        to[product(r, columns) + static_cast<std::size_t>(c)] +=
            factor * b[product(k, columns) + static_cast<std::size_t>(c)];
    }
}

/// The part of a map from one irreps to another, made if there is none.
EquivariantLinear::Part& part_of(EquivariantLinear& linear, int input, int output) {
  for (EquivariantLinear::Part& part : linear.parts)
    if (part.input == input && part.output == output) return part;
  const std::size_t size = product(linear.inputs[static_cast<std::size_t>(input)].channels,
                                   linear.outputs[static_cast<std::size_t>(output)].channels);
  return linear.parts.emplace_back(EquivariantLinear::Part{input, output, std::vector<double>(size)});
}

}  // namespace

std::size_t EquivariantLinear::count() const {
  std::size_t sum = bias.size();
  for (const Part& part : parts) sum += part.weight.size();
  return sum;
}

EquivariantLinear weighted_sum(const std::vector<EquivariantLinear>& maps, const double* weight) {
  EquivariantLinear sum = maps.front();
  for (EquivariantLinear::Part& part : sum.parts) multiply(weight[0], part.weight);
  multiply(weight[0], sum.bias);
  for (std::size_t n = 1; n < maps.size(); ++n) {
    for (std::size_t p = 0; p < sum.parts.size(); ++p) add(weight[n], maps[n].parts[p].weight, sum.parts[p].weight);
    add(weight[n], maps[n].bias, sum.bias);
  }
  return sum;
}

EquivariantLinear composed(const EquivariantLinear& first, const EquivariantLinear& second) {
  EquivariantLinear map{first.inputs, second.outputs, {}, {}};
  for (const EquivariantLinear::Part& a : first.parts)
    for (const EquivariantLinear::Part& b : second.parts)
      if (a.output == b.input)
        add_product(first.inputs[static_cast<std::size_t>(a.input)].channels,
                    second.inputs[static_cast<std::size_t>(b.input)].channels,
                    second.outputs[static_cast<std::size_t>(b.output)].channels, a.weight, b.weight,
                    part_of(map, a.input, b.output).weight);
  return map;
}

void check_values(const std::string& name, const std::vector<double>& values, std::size_t size) {
  if (values.size() != size) throw Error(fmt::format("{} has {} numbers instead of {}", name, values.size(), size));
  for (const double value : values)
    if (!std::isfinite(value)) throw Error(name + " has a number that is not finite");
}

void check_dense(const std::string& name, const Dense& dense, int inputs) {
  if (dense.inputs != inputs || dense.outputs < 1 || dense.outputs > 65536)
    throw Error(fmt::format("{} takes {} numbers and gives {}; {} enter", name, dense.inputs, dense.outputs, inputs));
  check_values(name + " weight", dense.weight, product(dense.inputs, dense.outputs));
  if (!dense.bias.empty()) check_values(name + " bias", dense.bias, static_cast<std::size_t>(dense.outputs));
}

void check_network(const std::string& name, const std::vector<Dense>& layers, int inputs, int outputs) {
  if (layers.empty()) throw Error(name + " has no layers");
  for (const Dense& dense : layers) {
    check_dense(name, dense, inputs);
    inputs = dense.outputs;
  }
  if (inputs != outputs) throw Error(fmt::format("{} gives {} numbers instead of {}", name, inputs, outputs));
}

void check_linear(const std::string& name, const EquivariantLinear& linear, const IrrepsList& inputs,
                  const IrrepsList& outputs) {
  if (linear.inputs != inputs || linear.outputs != outputs)
    throw Error(fmt::format("{} maps {} to {} instead of {} to {}", name, to_string(linear.inputs),
                            to_string(linear.outputs), to_string(inputs), to_string(outputs)));
  for (const EquivariantLinear::Part& part : linear.parts) {
    if (part.input < 0 || part.input >= static_cast<int>(inputs.size()) || part.output < 0 ||
        part.output >= static_cast<int>(outputs.size()) || !inputs[part.input].transforms_like(outputs[part.output]))
      throw Error(name + " mixes what must not be mixed");
    check_values(name, part.weight, product(inputs[part.input].channels, outputs[part.output].channels));
  }
  if (!linear.bias.empty()) check_values(name + " bias", linear.bias, static_cast<std::size_t>(even_scalars(outputs)));
}

}  // namespace grapevine::equivariant
