#include "models/mace/species_rows.hpp"

#include <algorithm>
#include <functional>

namespace grapevine::mace {
namespace {

using equivariant::Row;

/// x_0 of a species.
Row embedding_of(const Parameters& parameters, std::size_t species) {
  const IrrepsList& irreps = parameters.interactions.front().input;
  return scalar_row(irreps, parameters.embedding.data() + species * static_cast<std::size_t>(channels(irreps)));
}

void add(const Row& row, Row& to) { std::transform(row.begin(), row.end(), to.begin(), to.begin(), std::plus<>()); }

}  // namespace

Row first_features(const Parameters& parameters, std::size_t species) {
  const EquivariantLinear& mix = parameters.interactions.front().mix_input;
  Row row = bias_row(mix);
  add_linear(mix, embedding_of(parameters, species), row);
  return row;
}

Row output_bias(const Parameters& parameters, std::size_t t, std::size_t species) {
  const Interaction& x = parameters.interactions[t];
  Row row = bias_row(x.mix_product);
  if (x.self_connection.empty()) return row;
  add(bias_row(x.self_connection[species]), row);
  if (t == 0) add_linear(x.self_connection[species], embedding_of(parameters, species), row);
  return row;
}

EquivariantLinear message_map(const Interaction& interaction, std::size_t species) {
  if (interaction.mix_by_species.empty()) return interaction.mix_messages;
  return composed(interaction.mix_messages, interaction.mix_by_species[species]);
}

}  // namespace grapevine::mace
