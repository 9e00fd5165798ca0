#include "neighbours/positions.hpp"

#include <cmath>
#include <cstddef>
#include <limits>

#include "engine/graph.hpp"

namespace grapevine {

void check_positions(const double* positions, int atoms) {
  for (int i = 0; i < atoms; ++i)
    for (int k = 0; k < 3; ++k)
      if (!std::isfinite(positions[3 * static_cast<std::ptrdiff_t>(i) + k]))
        throw AtomError(i, i, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace grapevine
