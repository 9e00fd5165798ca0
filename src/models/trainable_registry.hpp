#pragma once

#include <string>
#include <vector>

#include "models/trainable.hpp"

namespace grapevine {

/// Names of the architectures whose models can be trained, as model files have them.
std::vector<std::string> trainable_architectures();

/// The groups of weights of all of them, each once.
std::vector<std::string> trainable_groups();

/// Null if models of this architecture cannot be trained.
const TrainableArchitecture* find_trainable_architecture(const std::string& name);

}  // namespace grapevine
