#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/reann/parameters.hpp"

/// What REANN's own program calls things, in its input files and in the state_dict of its modules.
namespace grapevine::reann_names {

inline constexpr std::string_view readout = "nnmod.";

std::string message(int t);  ///< "density.ocmod.memssage_<t>.", as the program spells it

const char* activation(reann::ActivationKind kind);  ///< "Relu_like" or "Tanh_like"
std::optional<reann::ActivationKind> find_activation(const std::string& name);

}  // namespace grapevine::reann_names
