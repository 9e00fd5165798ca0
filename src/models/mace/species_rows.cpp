#include "models/mace/species_rows.hpp"

namespace grapevine::mace {
namespace {

using equivariant::Row;

/// x_0 of a species.
Row embedding_of(const Parameters& parameters, std::size_t species) {
  const IrrepsList& irreps = parameters.interactions.front().input;
  return scalar_row(irreps, parameters.embedding.data() + species * static_cast<std::size_t>(channels(irreps)));
}

}  // namespace

Row first_features(const Parameters& parameters, std::size_t species) {
  const EquivariantLinear& mix = parameters.interactions.front().mix_input;
  Row row = empty_row(mix.outputs);
  add_linear(mix, embedding_of(parameters, species), row);
  return row;
}

Row first_connection(const Parameters& parameters, std::size_t species) {
  const Interaction& first = parameters.interactions.front();
  Row row = empty_row(first.output);
  if (!first.self_connection.empty())
    add_linear(first.self_connection[species], embedding_of(parameters, species), row);
  return row;
}

EquivariantLinear message_map(const Interaction& interaction, std::size_t species) {
  if (interaction.mix_by_species.empty()) return interaction.mix_messages;
  return composed(interaction.mix_messages, interaction.mix_by_species[species]);
}

}  // namespace grapevine::mace
