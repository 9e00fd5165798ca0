#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "report/error_statistics.hpp"
#include "report/picture.hpp"

namespace grapevine {

/// Counts of values in bins of equal width.
struct Histogram {
  double low = 0, high = 1;
  std::vector<std::size_t> counts;
  std::size_t below = 0, above = 0;  ///< values beyond the bins

  /// A bin has its lower end and not its upper one; the last bin has both. Values that are not finite are not counted.
  /// There must be a bin, and low < high.
  static Histogram of(std::span<const double> values, double low, double high, std::size_t bins);

  double width() const { return (high - low) / static_cast<double>(counts.size()); }
};

/// Signed errors, or a sample of them.
struct ErrorHistogram {
  std::string title;
  std::string unit;                ///< of the errors in thousandths, e.g. meV/atom
  std::span<const double> errors;  ///< prediction minus reference, read at once; must not be empty
  ErrorStatistics statistics;      ///< of all errors
};

/// How many errors there are of each size, on a logarithmic scale, with their RMSE marked and a normal distribution of
/// the same RMSE for comparison. Zero is in the middle; errors of more than 8 RMSE are told of but not shown.
Picture error_histogram(const ErrorHistogram& histogram);

}  // namespace grapevine
