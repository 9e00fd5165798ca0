#pragma once

#include <array>
#include <cstddef>

/// Coupling of angular momenta in the basis of real spherical harmonics, known to the compiler.
namespace grapevine::equivariant {

namespace detail {

constexpr double square_root(double x) {
  if (x <= 0) return 0;
  double y = x < 1 ? 1 : x;
  for (int i = 0; i < 200; ++i) {
    const double next = 0.5 * (y + x / y);
    if (next >= y) break;
    y = next;
  }
  return y;
}

constexpr double factorial(int n) {
  double f = 1;
  for (int i = 2; i <= n; ++i) f *= i;
  return f;
}

struct Complex {
  double re = 0;
  double im = 0;
};

constexpr Complex operator*(Complex a, Complex b) { return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
constexpr Complex conjugate(Complex a) { return {a.re, -a.im}; }

/// Clebsch-Gordan coefficient <l1 m1 l2 m2 | l3 m3> of complex harmonics, by Racah's formula.
constexpr double complex_clebsch_gordan(int l1, int m1, int l2, int m2, int l3, int m3) {
  if (m1 + m2 != m3) return 0;
  const auto larger = [](int a, int b) { return a > b ? a : b; };
  const auto smaller = [](int a, int b) { return a < b ? a : b; };
  const int low = larger(larger(-l1 + l2 + m3, -l1 + m1), 0);
  const int high = smaller(smaller(l2 + l3 + m1, l3 - l1 + l2), l3 + m3);
  const double norm =
      (2 * l3 + 1) * factorial(l3 + l1 - l2) * factorial(l3 - l1 + l2) * factorial(l1 + l2 - l3) * factorial(l3 + m3) *
      factorial(l3 - m3) /
      (factorial(l1 + l2 + l3 + 1) * factorial(l1 - m1) * factorial(l1 + m1) * factorial(l2 - m2) * factorial(l2 + m2));
  double sum = 0;
  for (int v = low; v <= high; ++v) {
    const double term =
        factorial(l2 + l3 + m1 - v) * factorial(l1 - m1 + v) /
        (factorial(v) * factorial(l3 - l1 + l2 - v) * factorial(l3 + m3 - v) * factorial(v + l1 - l2 - m3));
    sum += (v + l2 + m2) % 2 == 0 ? term : -term;
  }
  return square_root(norm) * sum;
}

/// Element (row m, column n) of the map from real to complex harmonics, m and n from -l to l, times (-i)^l so that
/// coupling coefficients come out real.
constexpr Complex real_to_complex(int l, int m, int n) {
  const double half = square_root(0.5);
  Complex q;
  if (m == 0 && n == 0) q = {1, 0};
  if (m < 0 && n == -m) q = {half, 0};
  if (m < 0 && n == m) q = {0, -half};
  if (m > 0 && n == m) q = {m % 2 == 0 ? half : -half, 0};
  if (m > 0 && n == -m) q = {0, m % 2 == 0 ? half : -half};
  for (int i = 0; i < l; ++i) q = q * Complex{0, -1};
  return q;
}

}  // namespace detail

/// The real Wigner 3j symbol W[m1][m2][m3] of orders l1, l2, l3, of norm 1: invariant when all three indices turn.
/// Signs are those of e3nn's wigner_3j.
template <int l1, int l2, int l3>
struct Wigner3j {
  static_assert(l1 + l2 >= l3 && l1 + l3 >= l2 && l2 + l3 >= l1);
  static constexpr int n1 = 2 * l1 + 1, n2 = 2 * l2 + 1, n3 = 2 * l3 + 1;
  using Table = std::array<std::array<std::array<double, n3>, n2>, n1>;

  static constexpr int size(int m) { return m < 0 ? -m : m; }
  static constexpr int step(int m) { return m == 0 ? 1 : 2 * size(m); }

  // Only harmonics of m and -m mix between the two bases.
  static constexpr Table make() {
    Table table{};
    double norm = 0;
    for (int i = -l1; i <= l1; ++i)
      for (int j = -l2; j <= l2; ++j)
        for (int k = -l3; k <= l3; ++k) {
          double sum = 0;
          for (int a = -size(i); a <= size(i); a += step(i))
            for (int b = -size(j); b <= size(j); b += step(j)) {
              const int c = a + b;
              if (size(c) != size(k)) continue;
              sum += (detail::real_to_complex(l1, a, i) * detail::real_to_complex(l2, b, j) *
                      detail::conjugate(detail::real_to_complex(l3, c, k)))
                         .re *
                     detail::complex_clebsch_gordan(l1, a, l2, b, l3, c);
            }
          if (sum < 1e-12 && sum > -1e-12) sum = 0;
          table[i + l1][j + l2][k + l3] = sum;
          norm += sum * sum;
        }
    norm = detail::square_root(norm);
    for (auto& rows : table)
      for (auto& row : rows)
        for (double& element : row) element /= norm;
    return table;
  }

  static constexpr Table value = make();
};

}  // namespace grapevine::equivariant
