#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// The potential with elements added: `species` begins with those that it has. A new element starts with the radial
/// functions and networks of the last known one; its coefficients differ at random, so that training can tell the two
/// apart. Its energy shift is zero.
Parameters extend_species(Parameters parameters, const std::vector<std::string>& species, std::uint64_t seed);

}  // namespace grapevine::reann
