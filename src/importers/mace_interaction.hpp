#pragma once

#include "importers/tensor_table.hpp"
#include "importers/torch_module.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine {

/// What all interactions of a model have in common.
struct MaceEdges {
  int species = 0;
  equivariant::IrrepsList harmonics;
};

/// An interaction block of mace-torch and the product block behind it. Of the last one only scalars are taken, as
/// nothing looks at the rest. Throws Error naming file and module.
mace::Interaction read_mace_interaction(TensorTable& tensors, const TorchModule& block, const TorchModule& product,
                                        const MaceEdges& edges, bool is_last);

/// Throws Error if a module computes with another library than e3nn.
void refuse_accelerated(const TorchModule& module);

}  // namespace grapevine
