#pragma once

#include <cstddef>
#include <span>

#include "simd/aligned_vector.hpp"

namespace grapevine {

/// A small dense matrix, row-major; rows are padded to whole cache lines by numbers that mean nothing.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t columns)
      : rows_(rows), columns_(columns), stride_((columns + 7) / 8 * 8), numbers_(rows * stride_) {}
  /// From [rows][columns] numbers without padding.
  Matrix(std::size_t rows, std::size_t columns, std::span<const double> numbers);

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  std::size_t stride() const { return stride_; }
  double* row(std::size_t r) { return numbers_.data() + r * stride_; }
  const double* row(std::size_t r) const { return numbers_.data() + r * stride_; }
  double& operator()(std::size_t r, std::size_t c) { return row(r)[c]; }
  double operator()(std::size_t r, std::size_t c) const { return row(r)[c]; }

  /// Into [rows][columns] numbers without padding.
  void copy_to(std::span<double> numbers) const;

 private:
  std::size_t rows_ = 0, columns_ = 0, stride_ = 0;
  simd::AlignedVector<double> numbers_;
};

Matrix identity(std::size_t size);
Matrix transpose(const Matrix& a);

/// a b
Matrix multiply(const Matrix& a, const Matrix& b);
/// a^T b
Matrix multiply_transposed(const Matrix& a, const Matrix& b);

/// c = decay c + (1 - decay) a
void blend(Matrix& c, double decay, const Matrix& a);

/// Makes the columns orthonormal, one after another.
void orthonormalise_columns(Matrix& a);

}  // namespace grapevine
