#pragma once

#include <string>
#include <vector>

namespace grapevine {

/// A range of values with ticks at round numbers inside it.
struct Axis {
  double low = 0;
  double high = 1;
  std::vector<double> ticks;
  std::vector<std::string> labels;  ///< one per tick; on a linear axis all with the same number of decimals
  bool logarithmic = false;

  /// Covers [low, high] with a small margin; a range of no width is widened.
  static Axis covering(double low, double high);

  /// Covers [0, high] with a margin above only; `high` is not negative.
  static Axis from_zero(double high);

  /// Covers [0, high] without a margin, with ticks at whole numbers.
  static Axis counting_to(double high);

  /// Covers [low, high], low < high, without a margin.
  static Axis between(double low, double high);

  /// Covers [low, high], both positive, in decades: ticks at 1, 2 and 5 times powers of ten, or at powers of ten alone
  /// where those would be too many, or at equal distances where they would be too few.
  static Axis logarithmic_covering(double low, double high);

  /// The same without a margin; low < high.
  static Axis logarithmic_between(double low, double high);

  /// Ticks at the given positive values and nowhere else.
  static Axis logarithmic_at(const std::vector<double>& values);

  /// 0 at the low end, 1 at the high end.
  double fraction(double value) const;
};

}  // namespace grapevine
