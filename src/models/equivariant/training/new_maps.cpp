#include "models/equivariant/training/new_maps.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numbers>
#include <numeric>

#include "models/equivariant/file_parts.hpp"

namespace grapevine::equivariant {

Activation normalised_activation(ActivationKind kind) {
  constexpr double silu_scale = 1.6791767923989418;
  constexpr double tanh_scale = 1.5937334472592695;
  if (kind == ActivationKind::silu) return {kind, silu_scale};
  if (kind == ActivationKind::tanh) return {kind, tanh_scale};
  return {ActivationKind::identity, 1};
}

RadialBasis bessel_basis(double cutoff, int functions, double prefactor, int cutoff_power) {
  RadialBasis basis;
  basis.cutoff = cutoff;
  basis.cutoff_power = cutoff_power;
  basis.prefactor = prefactor;
  for (int n = 1; n <= functions; ++n) basis.frequency.push_back(n * std::numbers::pi / cutoff);
  return basis;
}

EquivariantLinear new_linear(const IrrepsList& inputs, const IrrepsList& outputs) {
  return with_all_parts({inputs, outputs, {}, {}}, false);
}

std::vector<EquivariantLinear> new_linears(std::size_t count, const IrrepsList& inputs, const IrrepsList& outputs) {
  return std::vector<EquivariantLinear>(count, new_linear(inputs, outputs));
}

std::vector<Dense> new_layers(int inputs, std::vector<int> widths, int outputs) {
  widths.push_back(outputs);
  std::vector<Dense> layers;
  for (const int width : widths) {
    const std::size_t size = static_cast<std::size_t>(inputs) * static_cast<std::size_t>(width);
    layers.push_back({inputs, width, std::vector<double>(size), {}});
    inputs = width;
  }
  return layers;
}

std::vector<int> hidden_widths(const std::vector<Dense>& layers) {
  std::vector<int> widths;
  for (std::size_t n = 0; n + 1 < layers.size(); ++n) widths.push_back(layers[n].outputs);
  return widths;
}

double mean_neighbours(const Graph& graph) {
  double edges = 0;
  double atoms = 0;
  EdgeBlock<double> block;
  for (const int i : graph.centres()) {
    graph.edges({&i, 1}, block);
    edges += block.edges();
    atoms += 1;
  }
  return edges > 0 ? edges / atoms : 1;
}

void append_random_row(std::vector<double>& rows, std::size_t width, RandomNumbers& random) {
  const double squares = std::inner_product(rows.begin(), rows.end(), rows.begin(), 0.0);
  const double size = std::sqrt(squares / static_cast<double>(rows.size()));
  for (std::size_t c = 0; c < width; ++c) rows.push_back(size * random.normal());
}

void append_mean_row(std::vector<double>& rows, std::size_t count) {
  const std::size_t width = rows.size() / count;
  for (std::size_t c = 0; c < width; ++c) {
    double sum = 0;
    for (std::size_t row = 0; row < count; ++row) sum += rows[row * width + c];
    rows.push_back(sum / static_cast<double>(count));
  }
}

EquivariantLinear mean_of(const std::vector<EquivariantLinear>& maps) {
  const bool bias =
      std::any_of(maps.begin(), maps.end(), [](const EquivariantLinear& map) { return !map.bias.empty(); });
  std::vector<EquivariantLinear> complete;
  std::transform(maps.begin(), maps.end(), std::back_inserter(complete),
                 [&](const EquivariantLinear& map) { return with_all_parts(map, bias); });
  const std::vector<double> weight(maps.size(), 1 / static_cast<double>(maps.size()));
  return weighted_sum(complete, weight.data());
}

}  // namespace grapevine::equivariant
