#pragma once

#include <string>

#include "importers/tensor_table.hpp"

namespace grapevine {

/// The tensors of a SevenNet checkpoint under the names that its versions since 0.10 use. Throws Error if anything is
/// not a tensor.
TensorTable read_sevennet_state(const PickleDict& state_dict, const std::string& file, Allowance numbers);

/// Whether a tensor is one of the constants that e3nn stores; `accelerated` allows those of other implementations of
/// the products too.
bool is_sevennet_constant(const std::string& name, bool accelerated);

}  // namespace grapevine
