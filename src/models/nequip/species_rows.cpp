#include "models/nequip/species_rows.hpp"

#include <algorithm>
#include <cstddef>

#include "models/equivariant/layout.hpp"

namespace grapevine::nequip {
namespace {

using equivariant::Layout;
using Row = std::vector<double>;

std::size_t size_of(const IrrepsList& irreps) { return static_cast<std::size_t>(Layout(irreps).size()); }

/// to += the biases of `linear`.
void add_bias(const EquivariantLinear& linear, Row& to) {
  if (linear.bias.empty()) return;
  const Layout layout(linear.outputs);
  auto bias = linear.bias.begin();
  for (int i = 0; i < layout.count(); ++i) {
    const Irreps& irreps = linear.outputs[static_cast<std::size_t>(i)];
    if (!irreps.is_even_scalar()) continue;
    for (int c = 0; c < irreps.channels; ++c) to[static_cast<std::size_t>(layout.offset(i) + c)] += *bias++;
  }
}

/// to += linear( x ) without biases.
void add_linear(const EquivariantLinear& linear, const Row& x, Row& to) {
  const Layout from_layout(linear.inputs);
  const Layout to_layout(linear.outputs);
  for (const EquivariantLinear::Part& part : linear.parts) {
    const int inputs = linear.inputs[static_cast<std::size_t>(part.input)].channels;
    const int outputs = linear.outputs[static_cast<std::size_t>(part.output)].channels;
    for (int m = 0; m < linear.inputs[static_cast<std::size_t>(part.input)].components(); ++m)
      for (int i = 0; i < inputs; ++i)
        for (int o = 0; o < outputs; ++o)
          to[static_cast<std::size_t>(to_layout.offset(part.output) + m * to_layout.channels(part.output) + o)] +=
              part.weight[static_cast<std::size_t>(i) * static_cast<std::size_t>(outputs) +
                          static_cast<std::size_t>(o)] *
              x[static_cast<std::size_t>(from_layout.offset(part.input) + m * from_layout.channels(part.input) + i)];
  }
}

/// x_0 of a species.
Row embedding_row(const Parameters& parameters, std::size_t species) {
  const IrrepsList& irreps = parameters.interactions.front().input;
  const Layout layout(irreps);
  Row row(static_cast<std::size_t>(layout.size()));
  auto from = parameters.embedding.begin() +
              static_cast<std::ptrdiff_t>(species) * static_cast<std::ptrdiff_t>(channels(irreps));
  for (int i = 0; i < layout.count(); ++i)
    for (int c = 0; c < irreps[static_cast<std::size_t>(i)].channels; ++c)
      row[static_cast<std::size_t>(layout.offset(i) + c)] = *from++;
  return row;
}

template <class Real>
std::vector<Real> in_precision(const Row& row) {
  std::vector<Real> result(row.size());
  std::transform(row.begin(), row.end(), result.begin(), [](double value) { return static_cast<Real>(value); });
  return result;
}

bool has_bias(const EquivariantLinear& linear) { return !linear.bias.empty(); }

bool self_connection_has_bias(const Interaction& x) {
  return std::any_of(x.self_connection.begin(), x.self_connection.end(), has_bias);
}

}  // namespace

template <class Real>
std::vector<Real> bias_row(const EquivariantLinear& linear) {
  Row row(size_of(linear.outputs));
  add_bias(linear, row);
  return in_precision<Real>(row);
}

template <class Real>
std::vector<Real> rows_of_species(const Parameters& parameters) {
  const EquivariantLinear& mix = parameters.interactions.front().mix_input;
  std::vector<Real> rows;
  for (std::size_t s = 0; s < parameters.species.size(); ++s) {
    Row row(size_of(mix.outputs));
    add_bias(mix, row);
    add_linear(mix, embedding_row(parameters, s), row);
    if (!parameters.neighbour_scale.empty())
      for (double& value : row) value *= parameters.neighbour_scale[s];
    const std::vector<Real> rounded = in_precision<Real>(row);
    rows.insert(rows.end(), rounded.begin(), rounded.end());
  }
  return rows;
}

template <class Real>
std::vector<std::vector<Real>> bias_rows(const Parameters& parameters, std::size_t t) {
  const Interaction& interaction = parameters.interactions[t];
  std::vector<std::vector<Real>> rows;
  for (std::size_t s = 0; s < parameters.species.size(); ++s) {
    Row row(size_of(interaction.gate.inputs()));
    add_bias(interaction.mix_messages, row);
    if (self_connection_has_bias(interaction) || (t == 0 && !interaction.self_connection.empty())) {
      const EquivariantLinear linear = self_connection_of(parameters, interaction, s);
      add_bias(linear, row);
      if (t == 0) add_linear(linear, embedding_row(parameters, s), row);
    }
    rows.push_back(in_precision<Real>(row));
  }
  return rows;
}

template std::vector<float> bias_row<float>(const EquivariantLinear&);
template std::vector<double> bias_row<double>(const EquivariantLinear&);
template std::vector<float> rows_of_species<float>(const Parameters&);
template std::vector<double> rows_of_species<double>(const Parameters&);
template std::vector<std::vector<float>> bias_rows<float>(const Parameters&, std::size_t);
template std::vector<std::vector<double>> bias_rows<double>(const Parameters&, std::size_t);

}  // namespace grapevine::nequip
