#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/equivariant/training/start.hpp"
#include "models/model_options.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine::nequip {

using equivariant::NewModel;

/// Throws Error if the options are not those of a model.
void check_options(const ModelOptions& options);

/// A potential of random weights as NequIP makes it: silu and tanh in the gates, self connections by species, scalars
/// alone after the last interaction, messages over the square root of the mean number of neighbours, a readout of
/// linear layers. Weights are normal numbers in e3nn's normalisations. Energy shifts are zero. Throws Error as
/// check_options() does.
Parameters new_parameters(const ModelOptions& options, const NewModel& model);

/// The potential with elements added: `species` begins with those that it has. A new element starts with a random row
/// of the embedding, as large as those of others, and the means of their self connections, scales of neighbours and of
/// the energy; its energy shift is zero, its nucleus that of the element, and the cutoffs of its pairs are the model's.
Parameters extend_species(Parameters parameters, const std::vector<std::string>& species, std::uint64_t seed);

}  // namespace grapevine::nequip
