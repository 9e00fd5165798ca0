#include "models/equivariant/radial_weights.hpp"

#include <cmath>
#include <cstddef>
#include <numeric>

namespace grapevine::equivariant {
namespace {

/// Network of x, and by the chain rule its slope from that of x.
void apply(const RadialNetwork& network, std::vector<double>& x, std::vector<double>& dx, std::vector<double>& value,
           std::vector<double>& slope) {
  for (std::size_t n = 0; n < network.layers.size(); ++n) {
    const Dense& dense = network.layers[n];
    const auto outputs = static_cast<std::size_t>(dense.outputs);
    value.assign(outputs, 0.0);
    slope.assign(outputs, 0.0);
    if (!dense.bias.empty()) value = dense.bias;
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t o = 0; o < outputs; ++o) {
        value[o] += x[i] * dense.weight[i * outputs + o];
        slope[o] += dx[i] * dense.weight[i * outputs + o];
      }
    if (n + 1 == network.layers.size()) break;
    x.resize(outputs);
    dx.resize(outputs);
    for (std::size_t o = 0; o < outputs; ++o) {
      x[o] = network.activation.value(value[o]);
      dx[o] = network.activation.slope(value[o]) * slope[o];
    }
  }
}

}  // namespace

int RadialWeights::columns() const {
  return std::accumulate(channels.begin(), channels.end(), density.empty() ? 0 : 1);
}

void RadialWeights::evaluate(double r, std::vector<double>& value, std::vector<double>& slope) const {
  std::vector<double> x;
  std::vector<double> dx;
  basis.evaluate(r, x, dx);
  const CutoffValue of_density = density_of(x, dx);
  apply(network, x, dx, value, slope);
  std::size_t o = 0;
  for (std::size_t path = 0; path < channels.size(); ++path) {
    const double factor = std::pow(r, power[path]) / denominator;
    for (int c = 0; c < channels[path]; ++c, ++o) {
      slope[o] = factor * (slope[o] + power[path] * value[o] / r);
      value[o] *= factor;
    }
  }
  if (density.empty()) return;
  value.push_back(of_density.value);
  slope.push_back(of_density.slope);
}

CutoffValue RadialWeights::density_of(const std::vector<double>& basis_value,
                                      const std::vector<double>& basis_slope) const {
  double sum = 0;
  double slope = 0;
  for (std::size_t n = 0; n < density.size(); ++n) {
    sum += density[n] * basis_value[n];
    slope += density[n] * basis_slope[n];
  }
  const double value = std::tanh(sum * sum);
  return {value, (1 - value * value) * 2 * sum * slope};
}

}  // namespace grapevine::equivariant
