#pragma once

#include <array>
#include <cstddef>

namespace grapevine {

using Vector3 = std::array<double, 3>;
using Matrix3 = std::array<double, 9>;  ///< row-major; rows are cell vectors

inline Vector3 row(const Matrix3& m, std::size_t k) { return {m[3 * k], m[3 * k + 1], m[3 * k + 2]}; }
inline double dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
Vector3 cross(const Vector3& a, const Vector3& b);

/// Angstrom. Positions and cells beyond it cannot be meant, and would have no digits left for what is near.
inline constexpr double largest_length = 1e12;

inline constexpr Matrix3 identity{1, 0, 0, 0, 1, 0, 0, 0, 1};
Vector3 times(const double* row_vector, const Matrix3& m);
Matrix3 product(const Matrix3& a, const Matrix3& b);
Matrix3 inverse(const Matrix3& m);
double distance_from_identity(const Matrix3& m);  ///< Frobenius norm of m - 1

/// Volume spanned by the cell vectors, right- or left-handed.
double volume(const Matrix3& cell);

/// Whether the cell vectors are three, and linearly independent.
bool has_volume(const Matrix3& cell);

/// Whether pressure has a meaning: periodic in all three directions.
inline bool is_bulk(const std::array<bool, 3>& periodic) { return periodic[0] && periodic[1] && periodic[2]; }

/// What of a tensor acts between the periodic directions: all of it in a bulk; for a slab the components in its plane,
/// for a wire the one along it, the others being zero; nothing for a cluster.
Matrix3 along_periodic(const Matrix3& tensor, const Matrix3& cell, const std::array<bool, 3>& periodic);

/// A box with the periodicity of a structure that is good to search neighbours in: the periodic vectors are the
/// shortest that generate the same lattice (so that a strongly skewed cell costs no more than a cubic one), and
/// along directions without periodicity there are vectors orthogonal to them.
struct SearchBox {
  Matrix3 vectors{};
  Matrix3 inverse{};  ///< fractional = position * inverse
  std::array<bool, 3> periodic{};

  /// Throws Error if a periodic direction has no cell vector or one of more than `largest_length`, or if the periodic
  /// ones are linearly dependent.
  static SearchBox of(const Matrix3& cell, const std::array<bool, 3>& periodic);

  Vector3 fractional(const double* position) const;
  double height(std::size_t k) const;  ///< Angstrom between the two faces that vector k connects
};

}  // namespace grapevine
