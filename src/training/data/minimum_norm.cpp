#include "training/data/minimum_norm.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace grapevine {
namespace {

using Table = std::vector<std::vector<double>>;

constexpr double least_ratio = 1e-6;  // of singular values
constexpr int most_sweeps = 60;       // a dozen is enough for any matrix

/// One-sided Jacobi: rotates columns in pairs until all are orthogonal, `columns` = U S and `rotation` = V of the
/// singular value decomposition. It works on the rows themselves, not on their squares, and so keeps small singular
/// values to full accuracy.
struct Decomposition {
  Table columns;
  Table rotation;  // [n] coefficients of the unknowns in column n
};

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void rotate(std::vector<double>& a, std::vector<double>& b, double cosine, double sine) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double before = a[i];
    a[i] = cosine * before - sine * b[i];
    b[i] = sine * before + cosine * b[i];
  }
}

/// Whether the two columns were not orthogonal yet.
bool orthogonalise(Decomposition& d, std::size_t p, std::size_t q) {
  constexpr double precision = 1e-15;
  const double pp = dot(d.columns[p], d.columns[p]);
  const double qq = dot(d.columns[q], d.columns[q]);
  const double pq = dot(d.columns[p], d.columns[q]);
  if (std::abs(pq) <= precision * std::sqrt(pp * qq)) return false;
  const double zeta = (qq - pp) / (2 * pq);
  const double tangent = std::copysign(1.0, zeta) / (std::abs(zeta) + std::hypot(1.0, zeta));
  const double cosine = 1 / std::hypot(1.0, tangent);
  rotate(d.columns[p], d.columns[q], cosine, cosine * tangent);
  rotate(d.rotation[p], d.rotation[q], cosine, cosine * tangent);
  return true;
}

Decomposition decompose(const Table& rows) {
  const std::size_t unknowns = rows.front().size();
  Decomposition d{Table(unknowns, std::vector<double>(rows.size())), Table(unknowns, std::vector<double>(unknowns))};
  for (std::size_t n = 0; n < unknowns; ++n) {
    for (std::size_t i = 0; i < rows.size(); ++i) d.columns[n][i] = rows[i][n];
    d.rotation[n][n] = 1;
  }
  bool changed = true;
  for (int sweep = 0; changed && sweep < most_sweeps; ++sweep) {
    changed = false;
    for (std::size_t p = 0; p < unknowns; ++p)
      for (std::size_t q = p + 1; q < unknowns; ++q) changed |= orthogonalise(d, p, q);
  }
  return d;
}

}  // namespace

std::vector<double> minimum_norm_least_squares(const Table& rows, const std::vector<double>& values) {
  if (rows.empty()) return {};
  const Decomposition d = decompose(rows);
  double largest = 0;
  for (const std::vector<double>& column : d.columns) largest = std::max(largest, dot(column, column));
  std::vector<double> x(rows.front().size(), 0.0);
  for (std::size_t n = 0; n < x.size(); ++n) {
    const double square = dot(d.columns[n], d.columns[n]);
    if (square <= least_ratio * least_ratio * largest) continue;
    const double coefficient = dot(d.columns[n], values) / square;
    for (std::size_t k = 0; k < x.size(); ++k) x[k] += coefficient * d.rotation[n][k];
  }
  return x;
}

}  // namespace grapevine
