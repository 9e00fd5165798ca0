#pragma once

namespace grapevine {

/// Throws AtomError for the first of `positions` [atoms][3] that is not finite.
void check_positions(const double* positions, int atoms);

}  // namespace grapevine
