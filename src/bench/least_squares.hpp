#pragma once

#include <vector>

namespace grapevine::bench {

/// y = intercept + slope x.
struct Line {
  double intercept = 0;
  double slope = 0;
  double r_squared = 1;  ///< share of the variance that the line explains
};

/// Of at least two points with different x.
Line fit_line(const std::vector<double>& x, const std::vector<double>& y);

/// The coefficients c_n >= 0 for which sum_n c_n rows[i][n] is closest to values[i] > 0, in relative terms.
/// Coefficients that the data do not determine are zero.
std::vector<double> fit_non_negative(const std::vector<std::vector<double>>& rows, const std::vector<double>& values);

}  // namespace grapevine::bench
