#include "models/equivariant/rows.hpp"

#include <cstddef>

#include "models/equivariant/layout.hpp"

namespace grapevine::equivariant {
namespace {

template <class Wanted>
Row row_of(const IrrepsList& irreps, const double* values, const Wanted& wanted) {
  const Layout layout(irreps);
  Row row(static_cast<std::size_t>(layout.size()));
  for (int i = 0; i < layout.count(); ++i) {
    const Irreps& of = irreps[static_cast<std::size_t>(i)];
    if (!wanted(of)) continue;
    std::copy_n(values, of.channels, row.begin() + layout.offset(i));
    values += of.channels;
  }
  return row;
}

/// The other way, to a gradient by the values.
template <class Wanted>
void add_gradient_of_row(const IrrepsList& irreps, const Row& d_row, double* d_values, const Wanted& wanted) {
  const Layout layout(irreps);
  for (int i = 0; i < layout.count(); ++i) {
    const Irreps& of = irreps[static_cast<std::size_t>(i)];
    if (!wanted(of)) continue;
    const double* from = d_row.data() + layout.offset(i);
    for (int c = 0; c < of.channels; ++c) *d_values++ += from[c];
  }
}

bool is_scalar(const Irreps& of) { return of.order == 0; }
bool is_even_scalar(const Irreps& of) { return of.is_even_scalar(); }

/// Calls function(part, its place, first number of a row of channels that enters, and of one that leaves).
template <class Function>
void for_each_row_of_channels(const EquivariantLinear& linear, const Function& function) {
  const Layout from(linear.inputs);
  const Layout to(linear.outputs);
  for (std::size_t p = 0; p < linear.parts.size(); ++p) {
    const EquivariantLinear::Part& part = linear.parts[p];
    for (int m = 0; m < linear.inputs[static_cast<std::size_t>(part.input)].components(); ++m)
      function(part, p, from.offset(part.input) + m * from.channels(part.input),
               to.offset(part.output) + m * to.channels(part.output));
  }
}

}  // namespace

Row empty_row(const IrrepsList& irreps) { return Row(static_cast<std::size_t>(Layout(irreps).size())); }

Row scalar_row(const IrrepsList& irreps, const double* values) { return row_of(irreps, values, is_scalar); }

Row even_scalar_row(const IrrepsList& irreps, const double* values) { return row_of(irreps, values, is_even_scalar); }

void add_linear(const EquivariantLinear& linear, const Row& x, Row& y) {
  for_each_row_of_channels(linear, [&](const auto& part, std::size_t, std::ptrdiff_t from, std::ptrdiff_t to) {
    const int inputs = linear.inputs[static_cast<std::size_t>(part.input)].channels;
    const int outputs = linear.outputs[static_cast<std::size_t>(part.output)].channels;
    const double* weight = part.weight.data();
    for (int i = 0; i < inputs; ++i)
      for (int o = 0; o < outputs; ++o) y[to + o] += *weight++ * x[from + i];
  });
}

Row bias_row(const EquivariantLinear& linear) {
  return linear.bias.empty() ? empty_row(linear.outputs) : even_scalar_row(linear.outputs, linear.bias.data());
}

void add_gradient_of_scalar_row(const IrrepsList& irreps, const Row& d_row, double* d_values) {
  add_gradient_of_row(irreps, d_row, d_values, is_scalar);
}

void add_gradient_of_linear(const EquivariantLinear& linear, const Row& x, const Row& dy, EquivariantLinear& d_linear,
                            Row& dx) {
  for_each_row_of_channels(linear, [&](const auto& part, std::size_t p, std::ptrdiff_t from, std::ptrdiff_t to) {
    const int inputs = linear.inputs[static_cast<std::size_t>(part.input)].channels;
    const int outputs = linear.outputs[static_cast<std::size_t>(part.output)].channels;
    const double* weight = part.weight.data();
    double* d_weight = d_linear.parts[p].weight.data();
    for (int i = 0; i < inputs; ++i)
      for (int o = 0; o < outputs; ++o) {
        *d_weight++ += x[from + i] * dy[to + o];
        dx[from + i] += *weight++ * dy[to + o];
      }
  });
}

void add_gradient_of_bias_row(const Row& d_row, EquivariantLinear& d_linear) {
  if (!d_linear.bias.empty()) add_gradient_of_row(d_linear.outputs, d_row, d_linear.bias.data(), is_even_scalar);
}

}  // namespace grapevine::equivariant
