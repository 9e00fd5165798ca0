#include "models/equivariant/linear.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "dense/matrix.hpp"
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
Matrix matrix(int rows, int columns, const std::vector<double>& numbers) {
  return {static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), numbers};
}

void add_matrix(const Matrix& from, std::vector<double>& to) {
  auto next = to.begin();
  for (std::size_t r = 0; r < from.rows(); ++r, next += static_cast<std::ptrdiff_t>(from.columns()))
    std::transform(next, next + static_cast<std::ptrdiff_t>(from.columns()), from.row(r), next, std::plus<>());
}

void add_product(int rows, int inner, int columns, const std::vector<double>& a, const std::vector<double>& b,
                 std::vector<double>& to) {
  add_matrix(multiply(matrix(rows, inner, a), matrix(inner, columns, b)), to);
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// From the gradient by c = a b, of [rows][inner] and [inner][columns].
void add_gradient_of_product(int rows, int inner, int columns, const std::vector<double>& a,
                             const std::vector<double>& b, const std::vector<double>& dc, std::vector<double>& da,
                             std::vector<double>& db) {
  const Matrix d = matrix(rows, columns, dc);
  add_matrix(multiply(d, transpose(matrix(inner, columns, b))), da);
  add_matrix(multiply_transposed(matrix(rows, inner, a), d), db);
}

const EquivariantLinear::Part* find_part(const EquivariantLinear& linear, int input, int output) {
  const auto found = std::find_if(linear.parts.begin(), linear.parts.end(), [&](const EquivariantLinear::Part& part) {
    return part.input == input && part.output == output;
  });
  return found == linear.parts.end() ? nullptr : &*found;
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
  for (std::size_t n = 1; n < maps.size(); ++n) add_scaled(weight[n], maps[n], sum);
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

void add_scaled(double factor, const EquivariantLinear& map, EquivariantLinear& to) {
  for (std::size_t p = 0; p < to.parts.size(); ++p) add(factor, map.parts[p].weight, to.parts[p].weight);
  add(factor, map.bias, to.bias);
}

EquivariantLinear zeros_like(const EquivariantLinear& linear) {
  EquivariantLinear zeros = linear;
  for (EquivariantLinear::Part& part : zeros.parts) std::fill(part.weight.begin(), part.weight.end(), 0.0);
  std::fill(zeros.bias.begin(), zeros.bias.end(), 0.0);
  return zeros;
}

void add_gradient_of_weighted_sum(const std::vector<EquivariantLinear>& maps, const double* weight,
                                  const EquivariantLinear& d_sum, std::vector<EquivariantLinear>& d_maps,
                                  double* d_weight) {
  for (std::size_t n = 0; n < maps.size(); ++n) {
    add_scaled(weight[n], d_sum, d_maps[n]);
    for (std::size_t p = 0; p < d_sum.parts.size(); ++p)
      d_weight[n] += dot(maps[n].parts[p].weight, d_sum.parts[p].weight);
    d_weight[n] += dot(maps[n].bias, d_sum.bias);
  }
}

void add_gradient_of_composed(const EquivariantLinear& first, const EquivariantLinear& second,
                              const EquivariantLinear& d_composed, EquivariantLinear& d_first,
                              EquivariantLinear& d_second) {
  for (std::size_t m = 0; m < first.parts.size(); ++m)
    for (std::size_t n = 0; n < second.parts.size(); ++n) {
      const EquivariantLinear::Part& a = first.parts[m];
      const EquivariantLinear::Part& b = second.parts[n];
      if (a.output != b.input) continue;
      const EquivariantLinear::Part* part = find_part(d_composed, a.input, b.output);
      if (part == nullptr) continue;
      add_gradient_of_product(first.inputs[static_cast<std::size_t>(a.input)].channels,
                              second.inputs[static_cast<std::size_t>(b.input)].channels,
                              second.outputs[static_cast<std::size_t>(b.output)].channels, a.weight, b.weight,
                              part->weight, d_first.parts[m].weight, d_second.parts[n].weight);
    }
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
