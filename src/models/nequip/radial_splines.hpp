#pragma once

#include <vector>

#include "models/equivariant/radial_spline.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine::nequip {

/// Splines of the radial weights of all interactions to about the rounding of float, as mixed precision uses them. None
/// at all where one of them is too far off, or would take more memory than a potential of so few numbers should.
std::vector<equivariant::RadialSpline> fit_splines(const Parameters& parameters);

}  // namespace grapevine::nequip
