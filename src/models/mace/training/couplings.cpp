#include "models/mace/training/couplings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <tuple>
#include <utility>

#include "models/equivariant/wigner_3j.hpp"

namespace grapevine::mace {
namespace {

using Factors = std::array<int, max_degree>;

/// Products that make irreps of one order: for each component the coefficients of products of factors.
struct Products {
  int order = 0;
  std::vector<std::map<Factors, double>> components;
};

/// Parts of harmonics of m that harmonics of either sign of m are made of.
std::vector<int> signs_of(int m) { return m == 0 ? std::vector<int>{0} : std::vector<int>{-std::abs(m), std::abs(m)}; }

Factors sorted(Factors a, int factor) {
  a.front() = factor;  // unused ones stand first
  std::sort(a.begin(), a.end());
  return a;
}

Products components_of(int l) {
  Products p{l, {}};
  for (int m = 0; m <= 2 * l; ++m) {
    Factors factors;
    factors.fill(-1);
    factors.back() = l * l + m;
    p.components.push_back({{factors, 1.0}});
  }
  return p;
}

/// Products times one component of order l more, coupled to `order`.
Products coupled(const Products& p, int l, int order) {
  constexpr double tiny = 1e-12;
  Products result{order, std::vector<std::map<Factors, double>>(static_cast<std::size_t>(2 * order + 1))};
  for (int m1 = -p.order; m1 <= p.order; ++m1)
    for (int m2 = -l; m2 <= l; ++m2)
      for (int m3 = -order; m3 <= order; ++m3) {
        const double value = coupling(p.order, m1, l, m2, order, m3);
        if (std::abs(value) < tiny) continue;
        for (const auto& [factors, coefficient] : p.components[static_cast<std::size_t>(m1 + p.order)])
          result.components[static_cast<std::size_t>(m3 + order)][sorted(factors, l * l + l + m2)] +=
              value * coefficient;
      }
  return result;
}

/// In how many orders the factors can be written.
double orderings(const Factors& factors) {
  double count = 1;
  double run = 0;
  double placed = 0;
  int before = -1;
  for (const int factor : factors) {
    if (factor < 0) continue;
    run = factor == before ? run + 1 : 1;
    placed += 1;
    count *= placed / run;
    before = factor;
  }
  return count;
}

/// Of symmetric tensors, where a coefficient is shared out among all orders of the factors.
double scalar_product(const Products& a, const Products& b) {
  double sum = 0;
  for (std::size_t m = 0; m < a.components.size(); ++m)
    for (const auto& [factors, value] : a.components[m])
      if (const auto found = b.components[m].find(factors); found != b.components[m].end())
        sum += value * found->second / orderings(factors);
  return sum;
}

void add(Products& to, const Products& other, double factor) {
  for (std::size_t m = 0; m < to.components.size(); ++m)
    for (const auto& [factors, value] : other.components[m]) to.components[m][factors] += factor * value;
}

void multiply(Products& p, double factor) {
  for (auto& component : p.components)
    for (auto& [factors, value] : component) value *= factor;
}

/// Adds what is new in `candidate`, by Gram and Schmidt, once more for the rounding.
void add_independent(Products candidate, std::vector<Products>& basis) {
  constexpr double independent = 1e-6;
  const double before = scalar_product(candidate, candidate);
  if (before < independent) return;
  for (int round = 0; round < 2; ++round)
    for (const Products& known : basis)
      add(candidate, known, -scalar_product(candidate, known) / scalar_product(known, known));
  const double after = scalar_product(candidate, candidate);
  if (after < independent * before) return;
  multiply(candidate, std::sqrt((2 * candidate.order + 1) / after));
  basis.push_back(std::move(candidate));
}

/// Independent products of components of the orders `of`, which rise, that make irreps of order `wanted`. Coupling one
/// after another over all intermediate orders gives them all.
std::vector<Products> independent_products(const std::vector<int>& of, int wanted) {
  std::vector<Products> chains = {components_of(of.front())};
  for (std::size_t f = 1; f < of.size(); ++f) {
    std::vector<Products> longer;
    for (const Products& p : chains)
      for (int order = std::abs(p.order - of[f]); order <= p.order + of[f]; ++order)
        if (f + 1 < of.size() || order == wanted) longer.push_back(coupled(p, of[f], order));
    chains = std::move(longer);
  }
  std::vector<Products> basis;
  for (Products& p : chains)
    if (p.order == wanted) add_independent(std::move(p), basis);
  return basis;
}

/// All rising lists of `degree` orders up to `highest`.
std::vector<std::vector<int>> rising_orders(int degree, int highest) {
  std::vector<std::vector<int>> lists = {{}};
  for (int d = 0; d < degree; ++d) {
    std::vector<std::vector<int>> longer;
    for (const std::vector<int>& list : lists)
      for (int l = list.empty() ? 0 : list.back(); l <= highest; ++l) {
        longer.push_back(list);
        longer.back().push_back(l);
      }
    lists = std::move(longer);
  }
  return lists;
}

void add_path(const Products& p, Contraction& contraction) {
  constexpr double tiny = 1e-10;
  for (std::size_t m = 0; m < p.components.size(); ++m)
    for (const auto& [factors, value] : p.components[m])
      if (std::abs(value) > tiny) contraction.terms.push_back({static_cast<int>(m), contraction.paths, factors, value});
  ++contraction.paths;
}

bool is_even(int number) { return number % 2 == 0; }

}  // namespace

double coupling(int l1, int m1, int l2, int m2, int l3, int m3) {
  namespace wigner = equivariant::detail;
  double sum = 0;
  for (const int a : signs_of(m1))
    for (const int b : signs_of(m2)) {
      const int c = a + b;
      if (std::abs(c) != std::abs(m3)) continue;
      const wigner::Complex factor = wigner::real_to_complex(l1, a, m1) * wigner::real_to_complex(l2, b, m2) *
                                     wigner::conjugate(wigner::real_to_complex(l3, c, m3));
      sum += factor.re * wigner::complex_clebsch_gordan(l1, a, l2, b, l3, c);
    }
  return sum;
}

Contraction complete_contraction(int message_order, int degree, int order) {
  Contraction contraction;
  contraction.order = order;
  for (int d = 1; d <= degree; ++d)
    for (const std::vector<int>& of : rising_orders(d, message_order)) {
      int sum = order;
      for (const int l : of) sum += l;
      if (!is_even(sum)) continue;  // of the other parity
      for (const Products& p : independent_products(of, order)) add_path(p, contraction);
    }
  std::sort(contraction.terms.begin(), contraction.terms.end(), [](const auto& a, const auto& b) {
    return std::tie(a.component, a.factors, a.path) < std::tie(b.component, b.factors, b.path);
  });
  return contraction;
}

}  // namespace grapevine::mace
