#pragma once

#include <string>
#include <vector>

namespace grapevine {

/// A range of values with ticks at round numbers inside it.
struct Axis {
  double low = 0;
  double high = 1;
  std::vector<double> ticks;
  std::vector<std::string> labels;  ///< one per tick, all with the same number of decimals

  /// Covers [low, high] with a small margin; a range of no width is widened.
  static Axis covering(double low, double high);

  double fraction(double value) const { return (value - low) / (high - low); }
};

}  // namespace grapevine
