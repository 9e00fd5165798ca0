#pragma once

#include <vector>

namespace grapevine {

/// The shortest of all x that minimise sum_i (sum_n rows[i][n] x[n] - values[i])^2, for a few unknowns (some dozens).
/// Never singular: combinations of unknowns that the rows do not determine, or by less than 1e-6 of those determined
/// best, are zero. Rows all have the same length.
std::vector<double> minimum_norm_least_squares(const std::vector<std::vector<double>>& rows,
                                               const std::vector<double>& values);

}  // namespace grapevine
