#include "bench/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace grapevine::bench {
namespace {

using Matrix = std::vector<std::vector<double>>;

/// Solves a small symmetric positive system by elimination; nothing if it is singular.
std::optional<std::vector<double>> solve(Matrix a, std::vector<double> b) {
  const std::size_t size = b.size();
  for (std::size_t pivot = 0; pivot < size; ++pivot) {
    if (a[pivot][pivot] < 1e-9) return std::nullopt;  // the columns are scaled to length one
    for (std::size_t row = pivot + 1; row < size; ++row) {
      const double factor = a[row][pivot] / a[pivot][pivot];
      for (std::size_t n = pivot; n < size; ++n) a[row][n] -= factor * a[pivot][n];
      b[row] -= factor * b[pivot];
    }
  }
  for (std::size_t row = size; row-- > 0;) {
    for (std::size_t n = row + 1; n < size; ++n) b[row] -= a[row][n] * b[n];
    b[row] /= a[row][row];
  }
  return b;
}

/// Least squares in the chosen columns of `rows` against ones.
std::optional<std::vector<double>> fit_columns(const Matrix& rows, const std::vector<std::size_t>& columns) {
  Matrix a(columns.size(), std::vector<double>(columns.size(), 0.0));
  std::vector<double> b(columns.size(), 0.0);
  for (const std::vector<double>& row : rows)
    for (std::size_t m = 0; m < columns.size(); ++m) {
      b[m] += row[columns[m]];
      for (std::size_t n = 0; n < columns.size(); ++n) a[m][n] += row[columns[m]] * row[columns[n]];
    }
  return solve(std::move(a), std::move(b));
}

double squared_error(const Matrix& rows, const std::vector<double>& coefficients) {
  double sum = 0;
  for (const std::vector<double>& row : rows)
    sum += std::pow(std::inner_product(row.begin(), row.end(), coefficients.begin(), 0.0) - 1, 2);
  return sum;
}

/// Divides every row by its value and every column by its length, which is returned.
std::vector<double> scale(Matrix& rows, const std::vector<double>& values) {
  std::vector<double> lengths(rows.front().size(), 0.0);
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t n = 0; n < lengths.size(); ++n) {
      rows[i][n] /= values[i];
      lengths[n] += rows[i][n] * rows[i][n];
    }
  for (double& length : lengths) length = length > 0 ? std::sqrt(length) : 1;
  for (std::vector<double>& row : rows)
    for (std::size_t n = 0; n < lengths.size(); ++n) row[n] /= lengths[n];
  return lengths;
}

std::vector<std::size_t> columns_in(std::size_t subset, std::size_t count) {
  std::vector<std::size_t> columns;
  for (std::size_t n = 0; n < count; ++n)
    if (subset >> n & 1) columns.push_back(n);
  return columns;
}

}  // namespace

Line fit_line(const std::vector<double>& x, const std::vector<double>& y) {
  const auto count = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double xx = 0;
  double xy = 0;
  double yy = 0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    xx += (x[n] - mean_x) * (x[n] - mean_x);
    xy += (x[n] - mean_x) * (y[n] - mean_y);
    yy += (y[n] - mean_y) * (y[n] - mean_y);
  }
  const double slope = xy / xx;
  return {mean_y - slope * mean_x, slope, yy > 0 ? xy * xy / (xx * yy) : 1};
}

// The optimum is the ordinary least squares solution in some subset of the columns; of a few columns all are tried.
std::vector<double> fit_non_negative(const Matrix& rows, const std::vector<double>& values) {
  Matrix scaled = rows;
  const std::vector<double> lengths = scale(scaled, values);
  std::vector<double> best(lengths.size(), 0.0);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t subset = 1; subset < std::size_t{1} << lengths.size(); ++subset) {
    const std::vector<std::size_t> columns = columns_in(subset, lengths.size());
    const auto solution = fit_columns(scaled, columns);
    if (!solution || std::any_of(solution->begin(), solution->end(), [](double c) { return c < 0; })) continue;
    std::vector<double> full(lengths.size(), 0.0);
    for (std::size_t n = 0; n < columns.size(); ++n) full[columns[n]] = (*solution)[n];
    const double error = squared_error(scaled, full);
    if (error >= least - 1e-15) continue;
    least = error;
    best = full;
  }
  for (std::size_t n = 0; n < best.size(); ++n) best[n] /= lengths[n];
  return best;
}

}  // namespace grapevine::bench
