#include "dense/matrix.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "dense/product.hpp"

namespace grapevine {

Matrix::Matrix(std::size_t rows, std::size_t columns, std::span<const double> numbers) : Matrix(rows, columns) {
  for (std::size_t r = 0; r < rows; ++r) std::copy_n(numbers.data() + r * columns, columns, row(r));
}

void Matrix::copy_to(std::span<double> numbers) const {
  for (std::size_t r = 0; r < rows_; ++r) std::copy_n(row(r), columns_, numbers.data() + r * columns_);
}

Matrix identity(std::size_t size) {
  Matrix a(size, size);
  for (std::size_t i = 0; i < size; ++i) a(i, i) = 1;
  return a;
}

Matrix transpose(const Matrix& a) {
  Matrix t(a.columns(), a.rows());
  for (std::size_t r = 0; r < a.rows(); ++r)
    for (std::size_t c = 0; c < a.columns(); ++c) t(c, r) = a(r, c);
  return t;
}

Matrix multiply(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows(), b.columns());
  detail::add_product(a, false, b, c);
  return c;
}

Matrix multiply_transposed(const Matrix& a, const Matrix& b) {
  Matrix c(a.columns(), b.columns());
  detail::add_product(a, true, b, c);
  return c;
}

void blend(Matrix& c, double decay, const Matrix& a) {
  for (std::size_t r = 0; r < c.rows(); ++r)
    for (std::size_t n = 0; n < c.columns(); ++n) c(r, n) = decay * c(r, n) + (1 - decay) * a(r, n);
}

// Gram and Schmidt, each column twice against rounding; columns are rows here, to be read in order.
void orthonormalise_columns(Matrix& a) {
  Matrix t = transpose(a);
  const std::size_t size = t.columns();
  const auto dot = [&](std::size_t i, std::size_t j) {
    return std::inner_product(t.row(i), t.row(i) + size, t.row(j), 0.0);
  };
  for (std::size_t c = 0; c < t.rows(); ++c) {
    double* column = t.row(c);
    for (int twice = 0; twice < 2; ++twice)
      for (std::size_t b = 0; b < c; ++b) {
        const double along = dot(b, c);
        const double* other = t.row(b);
        for (std::size_t r = 0; r < size; ++r) column[r] -= along * other[r];
      }
    const double length = std::sqrt(dot(c, c));
    for (std::size_t r = 0; r < size; ++r) column[r] /= length;
  }
  a = transpose(t);
}

}  // namespace grapevine
