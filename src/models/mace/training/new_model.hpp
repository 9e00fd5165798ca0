#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/equivariant/training/start.hpp"
#include "models/mace/parameters.hpp"
#include "models/model_options.hpp"

namespace grapevine::mace {

using equivariant::NewModel;

/// Throws Error if the options are not those of a model.
void check_options(const ModelOptions& options);

/// A potential of random weights as mace-torch makes it by default: the first interaction mixes its message by species
/// and has no self connection (RealAgnosticInteractionBlock), the others are residual, the last one keeps scalars only,
/// and all readouts are linear but the last, a network of silu. Its couplings are the complete basis of couplings.hpp.
/// Weights are normal numbers in the packages' normalisations, those of products smaller by the number of paths. Energy
/// shifts are zero. Throws Error as check_options() does.
Parameters new_parameters(const ModelOptions& options, const NewModel& model);

/// The potential with elements added: `species` begins with those that it has. A new element starts with a random row
/// of the embedding, as large as those of others, and the mean of their maps and of their weights of products; its
/// energy shift is zero. Throws Error if the model has lengths for pairs of elements, which nobody knows for new ones.
Parameters extend_species(Parameters parameters, const std::vector<std::string>& species, std::uint64_t seed);

}  // namespace grapevine::mace
