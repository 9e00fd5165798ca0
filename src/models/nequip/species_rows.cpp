#include "models/nequip/species_rows.hpp"

#include <algorithm>
#include <cstddef>

namespace grapevine::nequip {
namespace {

using equivariant::Row;

/// x_0 of a species.
Row embedding_row(const Parameters& parameters, std::size_t species) {
  const IrrepsList& irreps = parameters.interactions.front().input;
  return scalar_row(irreps, parameters.embedding.data() + species * static_cast<std::size_t>(channels(irreps)));
}

void add_bias(const EquivariantLinear& linear, Row& to) {
  const Row bias = bias_row(linear);
  for (std::size_t n = 0; n < bias.size(); ++n) to[n] += bias[n];
}

bool has_bias(const EquivariantLinear& linear) { return !linear.bias.empty(); }

bool self_connection_has_bias(const Interaction& x) {
  return std::any_of(x.self_connection.begin(), x.self_connection.end(), has_bias);
}

/// What biases and embeddings of a species go through on their way into an interaction, besides the messages.
bool has_connection_row(const Interaction& interaction, std::size_t t) {
  return self_connection_has_bias(interaction) || (t == 0 && !interaction.self_connection.empty());
}

/// By a map of x_0 of a species.
void add_gradient_of_embedded(const Parameters& parameters, std::size_t species, const EquivariantLinear& map,
                              const Row& dy, EquivariantLinear& d_map, Parameters& gradient) {
  const IrrepsList& irreps = parameters.interactions.front().input;
  Row dx = equivariant::empty_row(irreps);
  add_gradient_of_linear(map, embedding_row(parameters, species), dy, d_map, dx);
  add_gradient_of_scalar_row(irreps, dx,
                             gradient.embedding.data() + species * static_cast<std::size_t>(channels(irreps)));
}

}  // namespace

template <class Real>
std::vector<Real> rows_of_species(const Parameters& parameters) {
  const EquivariantLinear& mix = parameters.interactions.front().mix_input;
  std::vector<Real> rows;
  for (std::size_t s = 0; s < parameters.species.size(); ++s) {
    Row row = bias_row(mix);
    add_linear(mix, embedding_row(parameters, s), row);
    if (!parameters.neighbour_scale.empty())
      for (double& value : row) value *= parameters.neighbour_scale[s];
    const std::vector<Real> rounded = equivariant::in_precision<Real>(row);
    rows.insert(rows.end(), rounded.begin(), rounded.end());
  }
  return rows;
}

template <class Real>
std::vector<std::vector<Real>> bias_rows(const Parameters& parameters, std::size_t t) {
  const Interaction& interaction = parameters.interactions[t];
  std::vector<std::vector<Real>> rows;
  for (std::size_t s = 0; s < parameters.species.size(); ++s) {
    Row row = bias_row(interaction.mix_messages);
    if (has_connection_row(interaction, t)) {
      const EquivariantLinear linear = self_connection_of(parameters, interaction, s);
      add_bias(linear, row);
      if (t == 0) add_linear(linear, embedding_row(parameters, s), row);
    }
    rows.push_back(equivariant::in_precision<Real>(row));
  }
  return rows;
}

void add_gradient_of_rows_of_species(const Parameters& parameters, const Row& d_rows, Parameters& gradient) {
  const EquivariantLinear& mix = parameters.interactions.front().mix_input;
  EquivariantLinear& d_mix = gradient.interactions.front().mix_input;
  const std::size_t size = d_rows.size() / parameters.species.size();
  for (std::size_t s = 0; s < parameters.species.size(); ++s) {
    const auto begin = d_rows.begin() + static_cast<std::ptrdiff_t>(s * size);
    Row d_row(begin, begin + static_cast<std::ptrdiff_t>(size));
    if (!parameters.neighbour_scale.empty())
      for (double& value : d_row) value *= parameters.neighbour_scale[s];
    add_gradient_of_bias_row(d_row, d_mix);
    add_gradient_of_embedded(parameters, s, mix, d_row, d_mix, gradient);
  }
}

void add_gradient_of_bias_rows(const Parameters& parameters, std::size_t t, const std::vector<Row>& d_rows,
                               Parameters& gradient) {
  const Interaction& interaction = parameters.interactions[t];
  for (std::size_t s = 0; s < parameters.species.size(); ++s) {
    add_gradient_of_bias_row(d_rows[s], gradient.interactions[t].mix_messages);
    if (!has_connection_row(interaction, t)) continue;
    const EquivariantLinear linear = self_connection_of(parameters, interaction, s);
    EquivariantLinear d_linear = zeros_like(linear);
    add_gradient_of_bias_row(d_rows[s], d_linear);
    if (t == 0) add_gradient_of_embedded(parameters, s, linear, d_rows[s], d_linear, gradient);
    add_gradient_of_self_connection_of(parameters, t, s, d_linear, gradient);
  }
}

template std::vector<float> rows_of_species<float>(const Parameters&);
template std::vector<double> rows_of_species<double>(const Parameters&);
template std::vector<std::vector<float>> bias_rows<float>(const Parameters&, std::size_t);
template std::vector<std::vector<double>> bias_rows<double>(const Parameters&, std::size_t);

}  // namespace grapevine::nequip
