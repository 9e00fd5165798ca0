#include "equivariant_random.hpp"

#include <cmath>

#include "support/error.hpp"

namespace grapevine::test {

using equivariant::ActivationKind;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using Vector = std::vector<double>;

equivariant::Activation scaled_activation(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::silu: return {kind, 1.6767};
    case ActivationKind::tanh: return {kind, 1.5927};
    case ActivationKind::relu: return {kind, 1.4142};
    case ActivationKind::sigmoid: return {kind, 1.8467};
    case ActivationKind::elu: return {kind, 1.2450};
    case ActivationKind::shifted_softplus: return {kind, 1.8754};
    default: return {kind, 1.0};
  }
}

std::vector<Dense> random_layers(int inputs, std::vector<int> widths, int outputs, bool biases, Random& random) {
  widths.push_back(outputs);
  std::vector<Dense> layers;
  for (const int width : widths) {
    Dense& dense = layers.emplace_back(Dense{inputs, width, random.normal(inputs * width, 1 / std::sqrt(inputs)), {}});
    if (biases) dense.bias = random(width, -0.3, 0.3);
    inputs = width;
  }
  return layers;
}

EquivariantLinear random_linear(const IrrepsList& inputs, const IrrepsList& outputs, double scale, bool biases,
                                Random& random) {
  EquivariantLinear linear{inputs, outputs, {}, {}};
  int even_scalars = 0;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    if (outputs[o].order == 0 && outputs[o].parity == 1) even_scalars += outputs[o].channels;
    int sum = 0;
    for (const Irreps& input : inputs) sum += input.transforms_like(outputs[o]) ? input.channels : 0;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].transforms_like(outputs[o]))
        linear.parts.push_back({static_cast<int>(i), static_cast<int>(o),
                                random.normal(inputs[i].channels * outputs[o].channels, scale / std::sqrt(sum))});
  }
  if (biases) linear.bias = random(even_scalars, -0.3, 0.3);
  return linear;
}

equivariant::Zbl random_zbl(int species, Random& random) {
  equivariant::Zbl zbl;
  zbl.charge = random(species, 2.0, 9.0);
  zbl.cutoff_power = 5;
  return zbl;
}

Frame random_crystal(const std::vector<std::string>& symbols, int atoms, const std::array<double, 9>& cell,
                     unsigned seed) {
  Random random(seed);
  Frame frame;
  frame.cell = cell;
  frame.periodic = {true, true, true};
  const auto clear_of = [&](const Vector& a, const double* b) {
    for (int n = 0; n < 343; ++n) {
      double square = 0;
      for (int x = 0; x < 3; ++x)
        square += std::pow(
            a[x] - b[x] + (n / 49 - 3) * cell[x] + (n / 7 % 7 - 3) * cell[3 + x] + (n % 7 - 3) * cell[6 + x], 2);
      if (square < 1.5 * 1.5) return false;
    }
    return true;
  };
  for (int tries = 0; frame.atoms() < atoms; ++tries) {
    if (tries == 100000) throw Error("no room for so many atoms");
    const Vector s = random(3, -0.3, 1.3);
    Vector position(3);
    for (int x = 0; x < 3; ++x) position[x] = s[0] * cell[x] + s[1] * cell[3 + x] + s[2] * cell[6 + x];
    bool clear = true;
    for (int j = 0; j < frame.atoms(); ++j) clear = clear && clear_of(position, &frame.positions[3 * j]);
    if (!clear) continue;
    frame.symbols.push_back(symbols[frame.symbols.size() % symbols.size()]);
    frame.positions.insert(frame.positions.end(), position.begin(), position.end());
  }
  return frame;
}

}  // namespace grapevine::test
