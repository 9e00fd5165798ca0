#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "models/nequip/parameters.hpp"

namespace grapevine {

inline constexpr const char* nequix_kind = "Nequix model";

/// Whether a file with these bytes looks like one of Nequix's, readable or not: it begins with a line of JSON.
bool is_nequix(std::span<const std::byte> file);

/// Reads a model of Nequix (`.nqx`): a line of JSON, the configuration, and NumPy arrays in the order of the model's
/// leaves. All constants of e3nn_jax are folded into the weights. Throws Error, starting with `name`, for a file that
/// is damaged, settings that are not supported, and arrays that do not fit the configuration.
nequip::Parameters import_nequix(std::span<const std::byte> file, const std::string& name);

}  // namespace grapevine
