#pragma once

#include "models/reann/parameters.hpp"
#include "models/trainable.hpp"

namespace grapevine::reann {

/// REANN as a training knows it.
const TrainableArchitecture& trainable_architecture();

/// The options that a potential of these sizes is trained by.
ModelOptions options_of(const Parameters& parameters);

/// E.g. "T = 1 message layers, K = 8 waves, L = 2, message networks 16-16 x 1, readout 32-32 x 1, relu_like".
std::string describe_sizes(const ModelOptions& options);

}  // namespace grapevine::reann
