#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

#include "models/equivariant/linear.hpp"
#include "models/equivariant/radial_weights.hpp"
#include "simd/aligned_vector.hpp"
#include "threads/shares.hpp"

/// What gradients of whole models are put together from.
namespace grapevine::equivariant {

/// to += from, number by number
template <class From, class To>
void add_numbers(const From& from, To& to) {
  std::transform(to.begin(), to.end(), from.begin(), to.begin(), std::plus<>());
}

/// Adds the sums for all passes and their radial tables, on up to `threads` threads; add(from, to) is for one pass.
template <class Sums, class Add>
void add_passes(const Sums& from, int threads, Sums& to, const Add& add) {
  const std::size_t passes = to.passes.size();
  run_each(threads, 2 * passes, [&](std::size_t n) {
    if (n < passes)
      to.tables.add(n, from.tables);
    else
      add(from.passes[n - passes], to.passes[n - passes]);
  });
}

inline void add_layers(const std::vector<Dense>& from, std::vector<Dense>& to) {
  for (std::size_t n = 0; n < to.size(); ++n) {
    add_numbers(from[n].weight, to[n].weight);
    add_numbers(from[n].bias, to[n].bias);
  }
}

/// Weights of the same shapes, all zeros where they are trained.
inline std::vector<RadialWeights> without_values(std::vector<RadialWeights> passes) {
  for (RadialWeights& pass : passes) {
    for (Dense& layer : pass.network.layers) {
      std::fill(layer.weight.begin(), layer.weight.end(), 0.0);
      std::fill(layer.bias.begin(), layer.bias.end(), 0.0);
    }
    std::fill(pass.density.begin(), pass.density.end(), 0.0);
    std::fill(pass.basis.frequency.begin(), pass.basis.frequency.end(), 0.0);
  }
  return passes;
}

/// [rows][stride] as [rows][2][stride]: numbers that do not change, with their changes.
template <class Real>
simd::AlignedVector<Real> rows_in_duals(const std::vector<Real>& rows, std::size_t stride) {
  simd::AlignedVector<Real> duals(2 * rows.size(), Real(0));
  for (std::size_t n = 0; n < rows.size(); ++n) duals[2 * (n / stride) * stride + n % stride] = rows[n];
  return duals;
}

}  // namespace grapevine::equivariant
