#pragma once

#include <array>
#include <random>
#include <string>
#include <vector>

#include "formats/text/extxyz.hpp"
#include "models/equivariant/activation.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/zbl.hpp"

namespace grapevine::test {

/// Numbers by the seed.
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  double operator()(double low, double high) { return std::uniform_real_distribution<double>(low, high)(engine_); }
  std::vector<double> operator()(int n, double low, double high) {
    std::vector<double> values(static_cast<std::size_t>(n));
    for (double& value : values) value = (*this)(low, high);
    return values;
  }
  std::vector<double> normal(int n, double width) {
    std::normal_distribution<double> distribution(0, width);
    std::vector<double> values(static_cast<std::size_t>(n));
    for (double& value : values) value = distribution(engine_);
    return values;
  }

 private:
  std::mt19937 engine_;
};

/// Scaled near 1 / root mean square for normal input.
equivariant::Activation scaled_activation(equivariant::ActivationKind kind);

/// With outputs of order one, as the activations are scaled.
std::vector<equivariant::Dense> random_layers(int inputs, std::vector<int> widths, int outputs, bool biases,
                                              Random& random);
/// Mixes all that transform alike.
equivariant::EquivariantLinear random_linear(const equivariant::IrrepsList& inputs,
                                             const equivariant::IrrepsList& outputs, double scale, bool biases,
                                             Random& random);
equivariant::Zbl random_zbl(int species, Random& random);

/// Atoms of the given symbols in turn at random places in a cell (rows are vectors, Angstrom) periodic in all
/// directions, no two closer than 1.5 Angstrom, images included; some stand outside the cell. Throws Error where there
/// is no room.
Frame random_crystal(const std::vector<std::string>& symbols, int atoms, const std::array<double, 9>& cell,
                     unsigned seed);

}  // namespace grapevine::test
