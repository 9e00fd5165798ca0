#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "models/mace/parameters.hpp"

namespace grapevine::mace {

/// The products of components of A in some contractions, nested for Horner's scheme: one component of an output is
///   B = sum_i A_i ( c_i + sum_(j >= i) A_j ( c_ij + sum_(k >= j) c_ijk A_k ) )
/// with as many coefficients c for each channel as there are singles, pairs and triples, in this order of nesting.
/// Those that only hold others are zero.
struct Monomials {
  struct Single {
    int i = 0;
    int pairs = 0;  ///< how many follow
  };
  struct Pair {
    int j = 0;
    int triples = 0;  ///< how many follow
  };
  struct Output {
    int irreps = 0;     ///< the contraction
    int component = 0;  ///< of it
    int singles = 0;    ///< how many follow
  };
  std::vector<Output> outputs;  ///< components of all contractions, in their order
  std::vector<Single> singles;
  std::vector<Pair> pairs;
  std::vector<int> triples;  ///< k

  explicit Monomials(const std::vector<Contraction>& contractions);

  std::size_t coefficients() const { return singles.size() + pairs.size() + triples.size(); }
};

/// How the coefficients of some contractions follow from their weights: a linear map, the same for all species.
class ContractionPlan {
 public:
  explicit ContractionPlan(const std::vector<Contraction>& contractions);

  const Monomials& monomials() const { return monomials_; }

  /// c of one species, as [coefficients][channels]: weights of all paths are summed up. Contractions may have other
  /// weights than those that the plan was made of.
  std::vector<double> fold(const std::vector<Contraction>& contractions, std::size_t species, int channels) const;

  /// Adds to the gradient by the weights, given that by c of one species.
  void unfold(const std::vector<double>& folded_gradient, std::size_t species, int channels,
              std::vector<Contraction>& gradient) const;

 private:
  struct Term {
    std::size_t coefficient, contraction, path;
    double value;
  };

  /// Of a row of weights.
  static std::size_t place(const Term& term, const Contraction& contraction, std::size_t species);

  Monomials monomials_;
  std::vector<Term> terms_;
};

/// Those of all interactions, in their order.
using ContractionPlans = std::vector<std::shared_ptr<const ContractionPlan>>;
ContractionPlans contraction_plans(const std::vector<Interaction>& interactions);

/// c of one species without a plan.
std::vector<double> folded_coefficients(const std::vector<Contraction>& contractions, std::size_t species,
                                        int channels);

}  // namespace grapevine::mace
