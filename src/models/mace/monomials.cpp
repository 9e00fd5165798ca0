#include "models/mace/monomials.hpp"

#include <algorithm>
#include <cstdint>

namespace grapevine::mace {
namespace {

/// Component of an output and the factors of a product, ascending, as one number: in the order of these numbers, a
/// product stands before those that begin with it. A factor is one more than its component of A, nothing is zero.
using Product = std::uint64_t;
constexpr int factor_bits = 16;
constexpr Product factor_mask = (Product{1} << factor_bits) - 1;

Product product_of(const Contraction::Term& term) {
  auto product = static_cast<Product>(term.component);
  int missing = 0;
  for (const int factor : term.factors) {
    if (factor < 0)
      ++missing;
    else
      product = product << factor_bits | static_cast<Product>(factor + 1);
  }
  return product << (missing * factor_bits);
}

int component_of(Product product) { return static_cast<int>(product >> (max_degree * factor_bits)); }

/// 0 where there is no such factor.
int factor_of(Product product, int place) {
  return static_cast<int>(product >> ((max_degree - 1 - place) * factor_bits) & factor_mask);
}

/// The product of its first `degree` factors.
Product beginning_of(Product product, int degree) {
  const int others = (max_degree - degree) * factor_bits;
  return product >> others << others;
}

/// Of all components of a contraction, with all that hold others, in the order of nesting.
std::vector<Product> nest_of(const Contraction& contraction) {
  std::vector<Product> nest;
  for (const Contraction::Term& term : contraction.terms) {
    const Product product = product_of(term);
    for (int degree = 1; degree <= max_degree; ++degree)
      if (factor_of(product, degree - 1) != 0) nest.push_back(beginning_of(product, degree));
  }
  std::sort(nest.begin(), nest.end());
  nest.erase(std::unique(nest.begin(), nest.end()), nest.end());
  return nest;
}

}  // namespace

Monomials::Monomials(const std::vector<Contraction>& contractions) {
  for (std::size_t n = 0; n < contractions.size(); ++n) {
    const std::size_t first = outputs.size();
    for (int component = 0; component <= 2 * contractions[n].order; ++component)
      outputs.push_back({static_cast<int>(n), component, 0});
    for (const Product product : nest_of(contractions[n])) {
      if (factor_of(product, 2) != 0) {
        triples.push_back(factor_of(product, 2) - 1);
        ++pairs.back().triples;
      } else if (factor_of(product, 1) != 0) {
        pairs.push_back({factor_of(product, 1) - 1, 0});
        ++singles.back().pairs;
      } else {
        singles.push_back({factor_of(product, 0) - 1, 0});
        ++outputs[first + static_cast<std::size_t>(component_of(product))].singles;
      }
    }
  }
}

ContractionPlan::ContractionPlan(const std::vector<Contraction>& contractions) : monomials_(contractions) {
  std::size_t first = 0;
  for (std::size_t n = 0; n < contractions.size(); ++n) {
    const std::vector<Product> nest = nest_of(contractions[n]);
    for (const Contraction::Term& term : contractions[n].terms) {
      const auto at = std::lower_bound(nest.begin(), nest.end(), product_of(term)) - nest.begin();
      terms_.push_back({first + static_cast<std::size_t>(at), n, static_cast<std::size_t>(term.path), term.value});
    }
    first += nest.size();
  }
}

std::vector<double> ContractionPlan::fold(const std::vector<Contraction>& contractions, std::size_t species,
                                          int channels) const {
  const auto row = static_cast<std::size_t>(channels);
  std::vector<double> folded(monomials_.coefficients() * row);
  for (const Term& term : terms_) {
    const Contraction& from = contractions[term.contraction];
    const double* weight = from.weight.data() + place(term, from, species) * row;
    double* to = folded.data() + term.coefficient * row;
    for (std::size_t c = 0; c < row; ++c) to[c] += term.value * weight[c];
  }
  return folded;
}

void ContractionPlan::unfold(const std::vector<double>& folded_gradient, std::size_t species, int channels,
                             std::vector<Contraction>& gradient) const {
  const auto row = static_cast<std::size_t>(channels);
  for (const Term& term : terms_) {
    Contraction& of = gradient[term.contraction];
    double* to = of.weight.data() + place(term, of, species) * row;
    const double* from = folded_gradient.data() + term.coefficient * row;
    for (std::size_t c = 0; c < row; ++c) to[c] += term.value * from[c];
  }
}

std::size_t ContractionPlan::place(const Term& term, const Contraction& contraction, std::size_t species) {
  return species * static_cast<std::size_t>(contraction.paths) + term.path;
}

ContractionPlans contraction_plans(const std::vector<Interaction>& interactions) {
  ContractionPlans plans;
  for (const Interaction& of : interactions) plans.push_back(std::make_shared<const ContractionPlan>(of.contractions));
  return plans;
}

std::vector<double> folded_coefficients(const std::vector<Contraction>& contractions, std::size_t species,
                                        int channels) {
  return ContractionPlan(contractions).fold(contractions, species, channels);
}

}  // namespace grapevine::mace
