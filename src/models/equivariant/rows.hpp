#pragma once

#include <algorithm>
#include <vector>

#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"

namespace grapevine::equivariant {

/// One atom's numbers in double precision, placed as Layout says, for what follows from the species alone.
using Row = std::vector<double>;

/// Zeros.
Row empty_row(const IrrepsList& irreps);

/// Irreps of order 0 with the values [channels of all].
Row scalar_row(const IrrepsList& irreps, const double* values);

/// Even scalars with the values [channels of all even scalars], all else zero.
Row even_scalar_row(const IrrepsList& irreps, const double* values);

/// y += x W, without the biases.
void add_linear(const EquivariantLinear& linear, const Row& x, Row& y);

/// What `linear` gives for nothing: its biases.
Row bias_row(const EquivariantLinear& linear);

/// Add to gradients by what the functions above are given what that by their result makes of them.
void add_gradient_of_scalar_row(const IrrepsList& irreps, const Row& d_row, double* d_values);
void add_gradient_of_linear(const EquivariantLinear& linear, const Row& x, const Row& dy, EquivariantLinear& d_linear,
                            Row& dx);
void add_gradient_of_bias_row(const Row& d_row, EquivariantLinear& d_linear);

template <class Real>
std::vector<Real> in_precision(const Row& row) {
  std::vector<Real> result(row.size());
  std::transform(row.begin(), row.end(), result.begin(), [](double value) { return static_cast<Real>(value); });
  return result;
}

}  // namespace grapevine::equivariant
