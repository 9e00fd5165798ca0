#pragma once

#include <type_traits>

#include "models/reann/parameters.hpp"
#include "models/reann/radial_table.hpp"

namespace grapevine::kernel_bench {

/// Floating point operations of every kernel from the sizes alone: a fused multiply-add is two, a division, a square
/// root or a reciprocal one; conversions, comparisons and the padding of waves and rows none. K waves, orders 0, 1, 2.
template <class Real>
struct Flops {
  int waves;

  static constexpr bool is_float = std::is_same_v<Real, float>;

  /// Per list entry: three differences, in float scaled from the grid (3), and the square of the distance (5).
  static double strip() { return 3 + (is_float ? 3 : 0) + 5; }

  /// Per edge: r (6); in float the place in the table (3); in double sin and cos by polynomials of 11 and 12 terms
  /// (2 + 1 + 20 + 1 + 22) and powers (5). Where `keep`, the direction (4).
  static double geometry(bool keep) { return 6 + (is_float ? 3 : 51) + (keep ? 4 : 0); }

  /// Per edge: K times R f_c (float: Horner's scheme, n - 1 FMA; double: 2 for the exponent, an exponential, 2 more),
  /// where `keep` its derivative (float: n - 2 FMA, 1; double 4), c R (1), and the ten components (3 + 4 + 6 FMA).
  double density(bool keep) const {
    const int n = reann::RadialTable::terms;
    const double radial = is_float ? 2 * (n - 1) : 4 + exponential();
    const double derivative = is_float ? 2 * (n - 2) + 1 : 4;
    return waves * (radial + (keep ? derivative : 0) + 1 + 3 + 4 + 2 * 6);
  }

  /// Per edge: K times the contraction (15 FMA), products with radial functions and coefficients (6), sums over waves
  /// (4), with coefficients their gradient (FMA); and the projection on the direction (3 FMA).
  double gradients(bool with_coefficients) const { return waves * (30 + 6 + 4 + (with_coefficients ? 2 : 0)) + 6; }

  /// Per edge: the gradient in the host's unit (3), added to both ends (6).
  static double edge_forces() { return 9; }

  double gram_entries() const { return waves * (waves + 1) / 2; }

  /// Per atom: K (K + 1) / 2 entries of each order (1, 1 + 2 FMA, 2 + 4 FMA, 1), three components doubled.
  double gram_forward() const { return gram_entries() * (1 + 5 + 11) + 3 * waves; }

  /// Per atom: ten symmetric K x K matrices times a vector (K^2 FMA), three components and three diagonals doubled.
  double gram_backward() const { return 10 * 2 * waves * waves + (3 + 3) * waves; }

  /// Per atom: rows * columns FMA.
  static double multiply(int rows, int columns) { return 2.0 * rows * columns; }
  static double multiply(const reann::Linear& linear) { return multiply(linear.outputs, linear.inputs); }

  /// Per atom: the first map of the network from the Gram entries of all orders.
  double fused(const reann::Network& network) const {
    return multiply(network.input.outputs, static_cast<int>(3 * gram_entries()));
  }

  /// The range reduction (float 2 FMA, 2; double 3 FMA, 1), a polynomial of 7 or 13 terms, the power of two (1).
  static double exponential() { return is_float ? 6 + 12 + 1 : 7 + 24 + 1; }

  /// Per atom and neuron, relu_like: beta x, 1 / (1 + exp(-t)) (3), two products; where `keep` the slope (FMA, 3).
  static double activation(int width, bool keep) { return width * (1 + exponential() + 3 + 2 + (keep ? 5 : 0)); }
  static double activation_backward(int width) { return width; }

  /// Per atom: mean (1), variance (1 + FMA), normal (2), scale and shift (FMA) for every neuron; 1 / deviation (5).
  static double layer_norm(int width) { return width * (1 + 3 + 2 + 2) + 5; }
  /// Per atom: weighted gradient twice (2), its sum (1), projection (FMA), result (FMA, 2) for every neuron.
  static double layer_norm_backward(int width) { return width * (2 + 1 + 2 + 4) + 2; }

  /// Per atom, behind the first linear map: all activations, norms, linear maps and the sum of each residual block.
  static double network_forward(const reann::Network& network, bool keep) {
    double sum = activation(network.input.outputs, keep) + multiply(network.output);
    for (const reann::ResidualBlock& block : network.blocks) {
      for (const reann::ResidualStep& step : block)
        sum += activation(step.linear.inputs, keep) + (step.norm ? layer_norm(step.linear.inputs) : 0) +
               multiply(step.linear);
      sum += network.input.outputs;
    }
    return sum;
  }
  static double network_backward(const reann::Network& network) {
    double sum = activation_backward(network.input.outputs) + multiply(network.output);
    for (const reann::ResidualBlock& block : network.blocks) {
      for (const reann::ResidualStep& step : block)
        sum += activation_backward(step.linear.inputs) + (step.norm ? layer_norm_backward(step.linear.inputs) : 0) +
               multiply(step.linear);
      sum += network.input.outputs;
    }
    return sum;
  }

  /// Whole passes, from the sums above; K more for the features or their gradients.
  double forward_pass(const reann::Network& network, double atoms, double edges) const {
    return edges * (geometry(false) + density(false)) +
           atoms * (gram_forward() + fused(network) + network_forward(network, false) + waves);
  }
  double readout_pass(const reann::Network& network, double atoms, double edges) const {
    return edges * (geometry(true) + density(true) + gradients(true)) +
           atoms * (gram_forward() + 2 * fused(network) + network_forward(network, true) + network_backward(network) +
                    gram_backward());
  }
  double backward_pass(const reann::Network& network, double atoms, double edges) const {
    return edges * (geometry(true) + density(true) + gradients(false)) +
           atoms * (fused(network) + network_forward(network, true) + network_backward(network) + gram_backward());
  }
};

}  // namespace grapevine::kernel_bench
