#pragma once

#include <vector>

#include "importers/e3nn.hpp"
#include "importers/tensor_table.hpp"
#include "importers/torch_module.hpp"
#include "models/equivariant/path.hpp"
#include "models/equivariant/radial_weights.hpp"

/// Weights of e3nn's own modules in a file of torch, with e3nn's constants folded in. All throw Error naming file and
/// module, for another class or other irreps than are expected, and for biases.
namespace grapevine::e3nn {

/// e3nn.o3.Linear.
equivariant::EquivariantLinear read_linear(TensorTable& tensors, const TorchModule& module, const Layout& inputs,
                                           const Layout& outputs);

/// e3nn.o3.FullyConnectedTensorProduct with a one-hot vector of `species` numbers, one map for each.
std::vector<equivariant::EquivariantLinear> read_species_linear(TensorTable& tensors, const TorchModule& module,
                                                                const Layout& inputs, const Layout& outputs,
                                                                int species);

/// e3nn.nn.FullyConnectedNet.
equivariant::RadialNetwork read_network(TensorTable& tensors, const TorchModule& module);

/// e3nn.math.normalize2mom: a function and the constant it is multiplied by.
equivariant::Activation read_activation(const TorchModule& module);

/// e3nn.o3.TensorProduct of features and harmonics (one each), whose weights come from elsewhere.
struct Products {
  std::vector<equivariant::Path> paths;
  std::vector<double> factor;  ///< [paths] what e3nn's product is, in units of Grapevine's
};
Products read_products(const TorchModule& module, const equivariant::IrrepsList& inputs,
                       const equivariant::IrrepsList& harmonics);

}  // namespace grapevine::e3nn
