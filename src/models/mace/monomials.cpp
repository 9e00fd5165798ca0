#include "models/mace/monomials.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace grapevine::mace {
namespace {

/// Factors of a product, ascending.
using Product = std::vector<int>;
/// Products in the order of nesting: each before those that begin with it.
using Nest = std::set<Product>;

Product product_of(const Contraction::Term& term) {
  Product product;
  std::copy_if(term.factors.begin(), term.factors.end(), std::back_inserter(product),
               [](int factor) { return factor >= 0; });
  return product;
}

/// Of each component of a contraction, with all that hold others.
std::vector<Nest> nests_of(const Contraction& contraction) {
  std::vector<Nest> nests(static_cast<std::size_t>(2 * contraction.order + 1));
  for (const Contraction::Term& term : contraction.terms)
    for (Product product = product_of(term); !product.empty(); product.pop_back())
      nests[static_cast<std::size_t>(term.component)].insert(product);
  return nests;
}

}  // namespace

Monomials::Monomials(const std::vector<Contraction>& contractions) {
  for (std::size_t n = 0; n < contractions.size(); ++n) {
    int component = 0;
    for (const Nest& nest : nests_of(contractions[n])) {
      outputs.push_back({static_cast<int>(n), component++, 0});
      for (const Product& product : nest) {
        if (product.size() == 1) {
          singles.push_back({product[0], 0});
          ++outputs.back().singles;
        } else if (product.size() == 2) {
          pairs.push_back({product[1], 0});
          ++singles.back().pairs;
        } else {
          triples.push_back(product[2]);
          ++pairs.back().triples;
        }
      }
    }
  }
}

std::vector<double> folded_coefficients(const std::vector<Contraction>& contractions, std::size_t species,
                                        int channels) {
  const auto row = static_cast<std::size_t>(channels);
  std::vector<double> folded;
  for (const Contraction& contraction : contractions) {
    const std::vector<Nest> nests = nests_of(contraction);
    std::vector<std::size_t> first;  // coefficients before those of a component
    for (const Nest& nest : nests) {
      first.push_back(folded.size() / row);
      folded.resize(folded.size() + nest.size() * row);
    }
    for (const Contraction::Term& term : contraction.terms) {
      const auto component = static_cast<std::size_t>(term.component);
      const Nest& nest = nests[component];
      const auto at = static_cast<std::size_t>(std::distance(nest.begin(), nest.find(product_of(term))));
      const double* weight =
          contraction.weight.data() +
          (species * static_cast<std::size_t>(contraction.paths) + static_cast<std::size_t>(term.path)) * row;
      for (std::size_t c = 0; c < row; ++c) folded[(first[component] + at) * row + c] += term.value * weight[c];
    }
  }
  return folded;
}

}  // namespace grapevine::mace
