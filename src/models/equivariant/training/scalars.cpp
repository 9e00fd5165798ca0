#include "models/equivariant/training/scalars.hpp"

#include <cmath>
#include <cstddef>

namespace grapevine::equivariant {
namespace {

std::size_t place(int index) { return static_cast<std::size_t>(index); }

}  // namespace

Scalars zero_scalars(const IrrepsList& list) {
  Scalars x;
  for (const Irreps& irreps : list) x.emplace_back(irreps.order == 0 ? place(irreps.channels) : 0, 0.0);
  return x;
}

Scalars scalars_of(const IrrepsList& list, const double* values) {
  Scalars x = zero_scalars(list);
  for (std::vector<double>& irreps : x)
    for (double& value : irreps) value = *values++;
  return x;
}

void add_mapped(const EquivariantLinear& linear, const Scalars& x, Scalars& y) {
  for (const EquivariantLinear::Part& part : linear.parts) {
    const std::vector<double>& from = x[place(part.input)];
    std::vector<double>& to = y[place(part.output)];
    for (std::size_t i = 0; i < from.size(); ++i)
      for (std::size_t o = 0; o < to.size(); ++o) to[o] += from[i] * part.weight[i * to.size() + o];
  }
  if (linear.bias.empty()) return;
  const double* bias = linear.bias.data();
  for (std::size_t i = 0; i < linear.outputs.size(); ++i)
    if (linear.outputs[i].is_even_scalar())
      for (double& value : y[i]) value += *bias++;
}

void normalise(const RmsNorm& norm, const IrrepsList& list, Scalars& x) {
  double sum = norm.epsilon;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (const double value : x[i]) sum += norm.share[i] * value * value;
  std::size_t first = 0;  // of the weights, which are of the channels of all irreps
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t c = 0; c < x[i].size(); ++c) x[i][c] *= norm.weight[first + c] / std::sqrt(sum);
    first += place(list[i].channels);
  }
}

Scalars gated(const Gate& gate, const Scalars& x) {
  Scalars y = zero_scalars(gate.outputs());
  const std::size_t scalars = gate.scalars.size();
  for (std::size_t i = 0; i < scalars; ++i)
    for (std::size_t c = 0; c < y[i].size(); ++c) y[i][c] = gate.scalar_activation[i].value(x[i][c]);
  for (std::size_t g = 0; g < gate.gated.size(); ++g)
    for (std::size_t c = 0; c < y[scalars + g].size(); ++c)
      y[scalars + g][c] = gate.gate_activation[g].value(x[scalars + g][c]) * x[scalars + gate.gated.size() + g][c];
  return y;
}

double read_out(const std::vector<Dense>& layers, const Activation& activation, const IrrepsList& list,
                const Scalars& x) {
  std::vector<double> values;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (list[i].is_even_scalar()) values.insert(values.end(), x[i].begin(), x[i].end());
  for (std::size_t n = 0; n < layers.size(); ++n) {
    std::vector<double> next = layers[n].bias;
    next.resize(place(layers[n].outputs), 0.0);
    for (std::size_t i = 0; i < values.size(); ++i)
      for (std::size_t o = 0; o < next.size(); ++o) next[o] += values[i] * layers[n].weight[i * next.size() + o];
    if (n + 1 < layers.size())
      for (double& value : next) value = activation.value(value);
    values = next;
  }
  return values.front();
}

}  // namespace grapevine::equivariant
