#pragma once

#include "importers/tensor_table.hpp"
#include "importers/torch_module.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine {

/// A Contraction of mace-torch that makes irreps of order `order` from `message`: its matrices U, which are in the
/// file, as terms in which the factors are sorted. Throws Error naming file and module.
mace::Contraction read_mace_contraction(TensorTable& tensors, const TorchModule& module, int order,
                                        const equivariant::IrrepsList& message, int species);

}  // namespace grapevine
