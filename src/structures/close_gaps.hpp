#pragma once

#include <vector>

namespace grapevine {

/// How to move places on a line together, so that no gap between neighbours is wider than it need be.
struct ClosedGaps {
  std::vector<double> moves;  ///< by how much each place moves; the same number for all between two wide gaps
  double length = 0;          ///< from the first place to the last or, on a circle, around it
};

/// Makes gaps that are wider than `widest` that wide; all others stay as they are. The first place comes to 0. On a
/// circle, whose circumference is 1, the first is the one behind the widest gap.
ClosedGaps close_gaps(const std::vector<double>& places, double widest, bool on_circle);

}  // namespace grapevine
