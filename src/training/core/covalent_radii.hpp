#pragma once

#include <string>

namespace grapevine {

/// Angstrom, by Cordero and others, Dalton Trans. 2832 (2008); beyond curium, where there are none, as curium's.
double covalent_radius(const std::string& symbol);

}  // namespace grapevine
