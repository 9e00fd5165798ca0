#include "structures/cell.hpp"

#include <cmath>
#include <string>

#include "support/error.hpp"

#include <fmt/format.h>

namespace grapevine {
namespace {

constexpr double least_volume = 1e-9;  // of that of a cuboid of the same edges

constexpr const char* vector_names[] = {"first", "second", "third"};

void set_row(Matrix3& m, std::size_t k, const Vector3& v) {
  for (std::size_t x = 0; x < 3; ++x) m[3 * k + x] = v[x];
}

Vector3 scaled(const Vector3& v, double factor) { return {factor * v[0], factor * v[1], factor * v[2]}; }

Vector3 sum(const Vector3& a, const Vector3& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }

Vector3 unit(const Vector3& v) { return scaled(v, 1 / std::sqrt(dot(v, v))); }

bool replace_if_shorter(Matrix3& m, std::size_t k, const Vector3& candidate) {
  const Vector3 old = row(m, k);
  if (!(dot(candidate, candidate) < 0.999999 * dot(old, old))) return false;
  set_row(m, k, candidate);
  return true;
}

bool subtract_multiple(Matrix3& m, std::size_t i, std::size_t j) {
  const Vector3 b = row(m, j);
  const double square = dot(b, b);
  if (square == 0) return false;
  const double multiple = std::nearbyint(dot(row(m, i), b) / square);
  return multiple != 0 && replace_if_shorter(m, i, sum(row(m, i), scaled(b, -multiple)));
}

bool add_both_others(Matrix3& m, std::size_t i) {
  const Vector3 b = row(m, (i + 1) % 3);
  const Vector3 c = row(m, (i + 2) % 3);
  bool changed = false;
  for (const double sign_b : {-1.0, 1.0})
    for (const double sign_c : {-1.0, 1.0})
      changed |= replace_if_shorter(m, i, sum(row(m, i), sum(scaled(b, sign_b), scaled(c, sign_c))));
  return changed;
}

// Greedy reduction: every replacement makes one vector shorter by a fixed fraction, so that it ends.
void reduce(Matrix3& m, const std::array<bool, 3>& periodic) {
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j)
        if (i != j && periodic[i] && periodic[j]) changed |= subtract_multiple(m, i, j);
    if (is_bulk(periodic))
      for (std::size_t i = 0; i < 3; ++i) changed |= add_both_others(m, i);
  }
}

Vector3 any_orthogonal(const Vector3& v) {
  std::size_t smallest = 0;
  for (std::size_t k = 1; k < 3; ++k)
    if (std::abs(v[k]) < std::abs(v[smallest])) smallest = k;
  Vector3 axis{};
  axis[smallest] = 1;
  return unit(cross(v, axis));
}

void complete(Matrix3& m, const std::array<bool, 3>& periodic) {
  const int count = periodic[0] + periodic[1] + periodic[2];
  if (count == 0) m = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  for (std::size_t k = 0; k < 3; ++k) {
    const std::size_t next = (k + 1) % 3;
    const std::size_t last = (k + 2) % 3;
    if (count == 1 && periodic[k]) {
      set_row(m, next, any_orthogonal(row(m, k)));
      set_row(m, last, unit(cross(row(m, k), row(m, next))));
    }
    if (count == 2 && !periodic[k]) set_row(m, k, unit(cross(row(m, next), row(m, last))));
  }
}

Matrix3 projector_on(const Vector3& direction) {
  Matrix3 result{};
  for (std::size_t n = 0; n < 9; ++n) result[n] = direction[n / 3] * direction[n % 3];
  return result;
}

/// On the line or the plane of the periodic cell vectors, of which there are fewer than three.
Matrix3 projector_on_periodic(const Matrix3& cell, const std::array<bool, 3>& periodic) {
  const int count = periodic[0] + periodic[1] + periodic[2];
  for (std::size_t k = 0; k < 3; ++k) {
    if (count == 1 && periodic[k]) return projector_on(unit(row(cell, k)));
    if (count != 2 || periodic[k]) continue;
    const Matrix3 normal = projector_on(unit(cross(row(cell, (k + 1) % 3), row(cell, (k + 2) % 3))));
    Matrix3 plane = identity;
    for (std::size_t n = 0; n < 9; ++n) plane[n] -= normal[n];
    return plane;
  }
  return {};
}

double scale_of(const Matrix3& m) {
  double product = 1;
  for (std::size_t k = 0; k < 3; ++k) product *= std::sqrt(dot(row(m, k), row(m, k)));
  return product;
}

/// Why a vector cannot be one of a periodic direction; empty if it can.
std::string problem_of(const Vector3& vector) {
  const double square = dot(vector, vector);
  if (square == 0) return "zero";
  if (!std::isfinite(square)) return "not finite";
  if (square > largest_length * largest_length) return fmt::format("{:.3g} Angstrom long", std::sqrt(square));
  return "";
}

void check_given(const Matrix3& cell, const std::array<bool, 3>& periodic) {
  for (std::size_t k = 0; k < 3; ++k)
    if (const std::string problem = problem_of(row(cell, k)); periodic[k] && !problem.empty())
      throw Error(
          fmt::format("the structure is periodic along its {} cell vector, which is {}; give Lattice or set pbc "
                      "to F there",
                      vector_names[k], problem));
}

[[noreturn]] void fail_dependent() {
  throw Error(
      "the cell vectors of the periodic directions are linearly dependent; correct the cell or its periodic "
      "directions");
}

}  // namespace

Vector3 cross(const Vector3& a, const Vector3& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Vector3 times(const double* row_vector, const Matrix3& m) {
  Vector3 result{};
  for (std::size_t k = 0; k < 3; ++k)
    for (std::size_t x = 0; x < 3; ++x) result[k] += row_vector[x] * m[3 * x + k];
  return result;
}

Matrix3 product(const Matrix3& a, const Matrix3& b) {
  Matrix3 result{};
  for (std::size_t k = 0; k < 3; ++k) set_row(result, k, times(&a[3 * k], b));
  return result;
}

Matrix3 inverse(const Matrix3& m) {
  const double determinant = dot(row(m, 0), cross(row(m, 1), row(m, 2)));
  Matrix3 result{};
  for (std::size_t k = 0; k < 3; ++k) {
    const Vector3 column = cross(row(m, (k + 1) % 3), row(m, (k + 2) % 3));
    for (std::size_t x = 0; x < 3; ++x) result[3 * x + k] = column[x] / determinant;
  }
  return result;
}

double distance_from_identity(const Matrix3& m) {
  double square = 0;
  for (std::size_t n = 0; n < 9; ++n) square += (m[n] - identity[n]) * (m[n] - identity[n]);
  return std::sqrt(square);
}

Matrix3 along_periodic(const Matrix3& tensor, const Matrix3& cell, const std::array<bool, 3>& periodic) {
  if (is_bulk(periodic)) return tensor;
  const Matrix3 projector = projector_on_periodic(cell, periodic);
  return product(product(projector, tensor), projector);
}

double volume(const Matrix3& cell) { return std::abs(dot(row(cell, 0), cross(row(cell, 1), row(cell, 2)))); }

bool has_volume(const Matrix3& cell) { return volume(cell) > least_volume * scale_of(cell); }

SearchBox SearchBox::of(const Matrix3& cell, const std::array<bool, 3>& periodic) {
  check_given(cell, periodic);
  SearchBox box{cell, {}, periodic};
  reduce(box.vectors, periodic);
  for (std::size_t k = 0; k < 3; ++k) {
    const Vector3 given = row(cell, k);
    const Vector3 reduced = row(box.vectors, k);
    if (periodic[k] && dot(reduced, reduced) < 1e-24 * dot(given, given)) fail_dependent();
  }
  complete(box.vectors, periodic);
  if (!has_volume(box.vectors)) fail_dependent();
  box.inverse = grapevine::inverse(box.vectors);
  return box;
}

Vector3 SearchBox::fractional(const double* position) const { return times(position, inverse); }

double SearchBox::height(std::size_t k) const {
  const Vector3 normal = cross(row(vectors, (k + 1) % 3), row(vectors, (k + 2) % 3));
  return volume(vectors) / std::sqrt(dot(normal, normal));
}

}  // namespace grapevine
