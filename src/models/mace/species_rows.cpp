#include "models/mace/species_rows.hpp"

namespace grapevine::mace {
namespace {

using equivariant::Row;

/// x_0 of a species.
Row embedding_of(const Parameters& parameters, std::size_t species) {
  const IrrepsList& irreps = parameters.interactions.front().input;
  return scalar_row(irreps, parameters.embedding.data() + species * static_cast<std::size_t>(channels(irreps)));
}

/// By a map of x_0 of a species.
void add_gradient_of_embedded(const Parameters& parameters, std::size_t species, const EquivariantLinear& map,
                              const Row& dy, EquivariantLinear& d_map, Parameters& gradient) {
  const IrrepsList& irreps = parameters.interactions.front().input;
  Row dx = empty_row(irreps);
  add_gradient_of_linear(map, embedding_of(parameters, species), dy, d_map, dx);
  add_gradient_of_scalar_row(irreps, dx,
                             gradient.embedding.data() + species * static_cast<std::size_t>(channels(irreps)));
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

void add_gradient_of_first_features(const Parameters& parameters, std::size_t species, const Row& dy,
                                    Parameters& gradient) {
  add_gradient_of_embedded(parameters, species, parameters.interactions.front().mix_input, dy,
                           gradient.interactions.front().mix_input, gradient);
}

void add_gradient_of_first_connection(const Parameters& parameters, std::size_t species, const Row& dy,
                                      Parameters& gradient) {
  const Interaction& first = parameters.interactions.front();
  if (first.self_connection.empty()) return;
  add_gradient_of_embedded(parameters, species, first.self_connection[species], dy,
                           gradient.interactions.front().self_connection[species], gradient);
}

void add_gradient_of_message_map(const Interaction& interaction, std::size_t species, const EquivariantLinear& d_map,
                                 Interaction& gradient) {
  if (interaction.mix_by_species.empty())
    add_scaled(1, d_map, gradient.mix_messages);
  else
    add_gradient_of_composed(interaction.mix_messages, interaction.mix_by_species[species], d_map,
                             gradient.mix_messages, gradient.mix_by_species[species]);
}

}  // namespace grapevine::mace
