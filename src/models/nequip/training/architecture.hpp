#pragma once

#include "models/trainable.hpp"

namespace grapevine::nequip {

/// NequIP as a training knows it.
const TrainableArchitecture& trainable_architecture();

}  // namespace grapevine::nequip
