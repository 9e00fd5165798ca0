#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/equivariant/irreps.hpp"

namespace grapevine::equivariant {

/// y[o] = sum_i x[i] weight[i][o] + bias[o]
struct Dense {
  int inputs = 0;
  int outputs = 0;
  std::vector<double> weight;  ///< [inputs][outputs]
  std::vector<double> bias;    ///< [outputs], or empty

  std::size_t count() const { return weight.size() + bias.size(); }
};

/// Mixes channels of irreps that transform alike; all weights as they are applied, normalisations included.
struct EquivariantLinear {
  struct Part {
    int input = 0;               ///< place in the list of irreps that enter
    int output = 0;              ///< and in the list of those that leave
    std::vector<double> weight;  ///< [channels of input][channels of output]
  };
  IrrepsList inputs;
  IrrepsList outputs;
  std::vector<Part> parts;   ///< sums into one output are over its parts
  std::vector<double> bias;  ///< [channels of all outputs of order 0 and even parity, in their order], or empty

  std::size_t count() const;
};

/// sum_n weight[n] maps[n]. There is at least one map, and all have the same parts in the same order.
EquivariantLinear weighted_sum(const std::vector<EquivariantLinear>& maps, const double* weight);

/// x -> second( first( x ) ) of maps without biases; what first gives is what second takes.
EquivariantLinear composed(const EquivariantLinear& first, const EquivariantLinear& second);

/// to += factor map, of maps with the same parts in the same order.
void add_scaled(double factor, const EquivariantLinear& map, EquivariantLinear& to);

/// A map of the same parts, all of whose numbers are zero.
EquivariantLinear zeros_like(const EquivariantLinear& linear);

/// Add to gradients by maps and numbers, of the same shapes as those, what that by the result makes of them.
void add_gradient_of_weighted_sum(const std::vector<EquivariantLinear>& maps, const double* weight,
                                  const EquivariantLinear& d_sum, std::vector<EquivariantLinear>& d_maps,
                                  double* d_weight);
void add_gradient_of_composed(const EquivariantLinear& first, const EquivariantLinear& second,
                              const EquivariantLinear& d_composed, EquivariantLinear& d_first,
                              EquivariantLinear& d_second);

/// Throw Error, starting with `name`, unless sizes fit what enters and leaves and all numbers are finite.
void check_values(const std::string& name, const std::vector<double>& values, std::size_t size);
void check_dense(const std::string& name, const Dense& dense, int inputs);
void check_network(const std::string& name, const std::vector<Dense>& layers, int inputs, int outputs);
void check_linear(const std::string& name, const EquivariantLinear& linear, const IrrepsList& inputs,
                  const IrrepsList& outputs);

}  // namespace grapevine::equivariant
