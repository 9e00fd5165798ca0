#pragma once

#include "models/trainable.hpp"

namespace grapevine::mace {

/// MACE as a training knows it.
const TrainableArchitecture& trainable_architecture();

}  // namespace grapevine::mace
