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

}  // namespace

Row empty_row(const IrrepsList& irreps) { return Row(static_cast<std::size_t>(Layout(irreps).size())); }

Row scalar_row(const IrrepsList& irreps, const double* values) {
  return row_of(irreps, values, [](const Irreps& of) { return of.order == 0; });
}

Row even_scalar_row(const IrrepsList& irreps, const double* values) {
  return row_of(irreps, values, [](const Irreps& of) { return of.is_even_scalar(); });
}

void add_linear(const EquivariantLinear& linear, const Row& x, Row& y) {
  const Layout from_layout(linear.inputs);
  const Layout to_layout(linear.outputs);
  for (const EquivariantLinear::Part& part : linear.parts) {
    const int inputs = linear.inputs[static_cast<std::size_t>(part.input)].channels;
    const int outputs = linear.outputs[static_cast<std::size_t>(part.output)].channels;
    for (int m = 0; m < linear.inputs[static_cast<std::size_t>(part.input)].components(); ++m) {
      const double* from = x.data() + from_layout.offset(part.input) + m * from_layout.channels(part.input);
      double* to = y.data() + to_layout.offset(part.output) + m * to_layout.channels(part.output);
      const double* weight = part.weight.data();
      for (int i = 0; i < inputs; ++i)
        for (int o = 0; o < outputs; ++o) to[o] += *weight++ * from[i];
    }
  }
}

Row bias_row(const EquivariantLinear& linear) {
  return linear.bias.empty() ? empty_row(linear.outputs) : even_scalar_row(linear.outputs, linear.bias.data());
}

}  // namespace grapevine::equivariant
