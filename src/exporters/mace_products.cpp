#include "exporters/mace_products.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <utility>

#include "importers/size.hpp"
#include "models/mace/training/couplings.hpp"

namespace grapevine {
namespace {

using mace::Contraction;
using mace::max_degree;
using Factors = std::array<int, max_degree>;
using Orders = std::array<int, 3>;

// Couplings

/// The real Wigner 3j symbol of norm 1, [2 l1 + 1][2 l2 + 1][2 l3 + 1], up to the sign.
std::vector<double> unsigned_symbol(const Orders& l) {
  std::vector<double> values;
  double squares = 0;
  for (int a = -l[0]; a <= l[0]; ++a)
    for (int b = -l[1]; b <= l[1]; ++b)
      for (int c = -l[2]; c <= l[2]; ++c) {
        values.push_back(mace::coupling(l[0], a, l[1], b, l[2], c));
        squares += values.back() * values.back();
      }
  for (double& value : values) value /= std::sqrt(squares);
  return values;
}

/// e3nn 0.4 has, for rising orders, the middle element positive or, if it is zero, the first that is not.
double sign_of_rising(const std::vector<double>& symbol) {
  constexpr double zero = 1e-9;
  const double middle = symbol[symbol.size() / 2];
  if (std::abs(middle) > zero) return middle > 0 ? 1 : -1;
  const auto first = std::find_if(symbol.begin(), symbol.end(), [](double x) { return std::abs(x) > zero; });
  return *first > 0 ? 1 : -1;
}

/// e3nn 0.4's wigner_3j. For other orders the indices of the rising ones are permuted, by odd permutations with the
/// factor (-1)^(l1 + l2 + l3).
std::vector<double> old_wigner_3j(const Orders& l) {
  std::array<int, 3> place = {0, 1, 2};
  std::stable_sort(place.begin(), place.end(), [&](int a, int b) { return l[size(a)] < l[size(b)]; });
  const Orders rising = {l[size(place[0])], l[size(place[1])], l[size(place[2])]};
  const std::vector<double> symbol = unsigned_symbol(rising);
  const bool is_even = place == std::array{0, 1, 2} || place == std::array{1, 2, 0} || place == std::array{2, 0, 1};
  double sign = sign_of_rising(symbol);
  if (!is_even && (l[0] + l[1] + l[2]) % 2 == 1) sign = -sign;
  std::vector<double> values;
  Orders m;
  for (m[0] = 0; m[0] <= 2 * l[0]; ++m[0])
    for (m[1] = 0; m[1] <= 2 * l[1]; ++m[1])
      for (m[2] = 0; m[2] <= 2 * l[2]; ++m[2]) {
        const auto row = size(m[size(place[0])] * (2 * rising[1] + 1) + m[size(place[1])]);
        values.push_back(sign * symbol[row * size(2 * rising[2] + 1) + size(m[size(place[2])])]);
      }
  return values;
}

/// Products of some components coupled to irreps: what one path of mace-torch's _wigner_nj is.
struct Chain {
  int order = 0;
  int parity = 1;
  std::vector<double> tensor;  ///< [2 order + 1][components] .. [components]
};

int natural_parity(int order) { return order % 2 == 0 ? 1 : -1; }

void sort_chains(std::vector<Chain>& chains) {
  std::stable_sort(chains.begin(), chains.end(), [](const Chain& a, const Chain& b) {
    return std::pair(a.order, a.parity) < std::pair(b.order, b.parity);
  });
}

std::vector<Chain> single_components(int highest) {
  const int components = (highest + 1) * (highest + 1);
  std::vector<Chain> chains;
  for (int l = 0; l <= highest; ++l) {
    Chain& chain = chains.emplace_back(Chain{l, natural_parity(l), {}});
    chain.tensor.resize(size((2 * l + 1) * components));
    for (int m = 0; m <= 2 * l; ++m) chain.tensor[size(m * components + l * l + m)] = 1;
  }
  return chains;
}

Chain coupled_with(const Chain& left, int l, int order, int components) {
  Chain result{order, left.parity * natural_parity(l), {}};
  const std::size_t columns = left.tensor.size() / size(2 * left.order + 1);
  result.tensor.resize(size(2 * order + 1) * columns * size(components));
  const std::vector<double> symbol = old_wigner_3j({order, left.order, l});
  const double factor = std::sqrt(2.0 * order + 1);
  std::size_t at = 0;
  for (int i = 0; i <= 2 * order; ++i)
    for (int j = 0; j <= 2 * left.order; ++j)
      for (int m = 0; m <= 2 * l; ++m, ++at) {
        if (symbol[at] == 0) continue;
        const double* from = left.tensor.data() + size(j) * columns;
        double* to = result.tensor.data() + size(i) * columns * size(components) + size(l * l + m);
        for (std::size_t k = 0; k < columns; ++k) to[k * size(components)] += factor * symbol[at] * from[k];
      }
  return result;
}

/// All of one factor more; only those of one order and natural parity if `wanted` is not negative.
std::vector<Chain> longer_chains(const std::vector<Chain>& chains, int highest, int wanted) {
  std::vector<Chain> result;
  for (const Chain& left : chains)
    for (int l = 0; l <= highest; ++l)
      for (int order = std::abs(left.order - l); order <= left.order + l; ++order)
        if (wanted < 0 || (order == wanted && left.parity * natural_parity(l) == natural_parity(wanted)))
          result.push_back(coupled_with(left, l, order, (highest + 1) * (highest + 1)));
  sort_chains(result);
  return result;
}

// Polynomials

using Monomial = std::pair<int, Factors>;  ///< component of the output and factors, ascending, unused ones first

/// Coefficients of the products of one degree for each path, [monomials][paths].
struct Polynomials {
  std::map<Monomial, std::size_t> row;
  int paths = 0;
  std::vector<double> coefficient;

  double& at(const Monomial& monomial, int path) {
    const std::size_t found = row.emplace(monomial, row.size()).first->second;
    if (coefficient.size() < row.size() * size(paths)) coefficient.resize(row.size() * size(paths));
    return coefficient[found * size(paths) + size(path)];
  }
};

Polynomials polynomials_of(const MaceBasis& basis) {
  Polynomials result{{}, basis.paths, {}};
  std::size_t columns = 1;
  for (int f = 0; f < basis.degree; ++f) columns *= size(basis.components);
  for (std::size_t n = 0; n < basis.matrix.size(); ++n) {
    if (basis.matrix[n] == 0) continue;
    std::size_t column = n / size(basis.paths);
    Monomial monomial{static_cast<int>(column / columns), {}};
    monomial.second.fill(-1);
    for (int f = 0; f < basis.degree; ++f, column /= size(basis.components))
      monomial.second[size(max_degree - 1 - f)] = static_cast<int>(column % size(basis.components));
    std::sort(monomial.second.begin(), monomial.second.end());
    result.at(monomial, static_cast<int>(n % size(basis.paths))) += basis.matrix[n];
  }
  return result;
}

int factors_in(const Factors& factors) {
  return static_cast<int>(std::count_if(factors.begin(), factors.end(), [](int f) { return f >= 0; }));
}

/// The terms of one degree in the rows of `rows`, or in further ones.
Polynomials polynomials_of(const Contraction& contraction, int degree, const Polynomials& rows) {
  Polynomials result{rows.row, contraction.paths, {}};
  result.coefficient.resize(rows.row.size() * size(contraction.paths));
  for (const Contraction::Term& term : contraction.terms)
    if (factors_in(term.factors) == degree) result.at({term.component, term.factors}, term.path) += term.value;
  return result;
}

double largest_of(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// Least squares

using Vector = std::vector<double>;

double scalar_product(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t n = 0; n < a.size(); ++n) sum += a[n] * b[n];
  return sum;
}

void subtract(Vector& a, double factor, const Vector& b) {
  for (std::size_t n = 0; n < a.size(); ++n) a[n] -= factor * b[n];
}

/// The smallest x such that the combination of `columns` by x is nearest to a vector. Of columns and then of the
/// combinations found, orthonormal ones are made.
class SmallestSolution {
 public:
  explicit SmallestSolution(const std::vector<Vector>& columns) : unknowns_(columns.size()) {
    double largest = 0;
    for (const Vector& column : columns) largest = std::max(largest, scalar_product(column, column));
    for (const Vector& column : columns) add_direction(column, 1e-9 * std::sqrt(largest));
    for (const Vector& direction : directions_) {
      Vector& row = rows_.emplace_back();
      for (const Vector& column : columns) row.push_back(scalar_product(direction, column));
    }
    make_rows_orthonormal();
  }

  Vector operator()(const Vector& wanted) const {
    Vector along;
    for (const Vector& direction : directions_) along.push_back(scalar_product(direction, wanted));
    Vector x(unknowns_);
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      double value = along[r];
      for (std::size_t q = 0; q < r; ++q) value -= triangle_[r][q] * scalar_product(rows_[q], x);
      subtract(x, -value / triangle_[r][r], rows_[r]);
    }
    return x;
  }

 private:
  void add_direction(Vector column, double smallest) {
    for (int round = 0; round < 2; ++round)
      for (const Vector& direction : directions_) subtract(column, scalar_product(direction, column), direction);
    const double norm = std::sqrt(scalar_product(column, column));
    if (!(norm > smallest)) return;
    for (double& value : column) value /= norm;
    directions_.push_back(std::move(column));
  }

  /// rows = triangle times orthonormal ones, which they become.
  void make_rows_orthonormal() {
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      Vector& factors = triangle_.emplace_back(r + 1);
      for (int round = 0; round < 2; ++round)
        for (std::size_t q = 0; q < r; ++q) {
          const double factor = scalar_product(rows_[q], rows_[r]);
          factors[q] += factor;
          subtract(rows_[r], factor, rows_[q]);
        }
      factors[r] = std::sqrt(scalar_product(rows_[r], rows_[r]));
      for (double& value : rows_[r]) value /= factors[r];
    }
  }

  std::size_t unknowns_;
  std::vector<Vector> directions_;  ///< orthonormal
  std::vector<Vector> rows_;        ///< directions times columns, made orthonormal
  std::vector<Vector> triangle_;
};

std::vector<Vector> columns_of(const Polynomials& polynomials, std::size_t rows) {
  std::vector<Vector> columns(size(polynomials.paths), Vector(rows));
  for (std::size_t n = 0; n < polynomials.coefficient.size(); ++n)
    columns[n % size(polynomials.paths)][n / size(polynomials.paths)] = polynomials.coefficient[n];
  return columns;
}

/// Makes the weights of one degree.
class WeightSolver {
 public:
  WeightSolver(const Contraction& contraction, const MaceBasis& basis, std::size_t species, int channels)
      : contraction_(contraction),
        theirs_(polynomials_of(basis)),
        ours_(polynomials_of(contraction, basis.degree, theirs_)),
        species_(species),
        channels_(size(channels)) {}

  /// Whether paths from `first` on are mace-torch's.
  bool are_theirs(int first) const {
    constexpr double rounding = 1e-5;  // of models in float32
    const double allowed = rounding * largest_of(theirs_.coefficient);
    if (ours_.row.size() != theirs_.row.size() || first + theirs_.paths > ours_.paths) return false;
    for (std::size_t r = 0; r < theirs_.row.size(); ++r)
      for (int path = 0; path < theirs_.paths; ++path)
        if (std::abs(ours_.coefficient[r * size(ours_.paths) + size(first + path)] -
                     theirs_.coefficient[r * size(theirs_.paths) + size(path)]) > allowed)
          return false;
    return true;
  }

  std::vector<double> keep(int first) const {
    std::vector<double> weight;
    for (std::size_t s = 0; s < species_; ++s) {
      const double* begin = row(s, first);
      weight.insert(weight.end(), begin, begin + size(theirs_.paths) * channels_);
    }
    return weight;
  }

  std::vector<double> solve(double& residual) const {
    const std::size_t rows = ours_.row.size();
    const std::vector<Vector> columns = columns_of(theirs_, rows);
    const SmallestSolution solution(columns);
    const double largest = largest_of(ours_.coefficient);
    std::vector<double> weight(species_ * size(theirs_.paths) * channels_);
    int path = 0;
    for (Vector& wanted : columns_of(ours_, rows)) {
      if (largest_of(wanted) > 0) {
        const Vector x = solution(wanted);
        add(x, path, weight);
        for (std::size_t q = 0; q < columns.size(); ++q) subtract(wanted, x[q], columns[q]);
        residual = std::max(residual, largest_of(wanted) / largest);
      }
      ++path;
    }
    return weight;
  }

 private:
  const double* row(std::size_t s, int path) const {
    return contraction_.weight.data() + (s * size(contraction_.paths) + size(path)) * channels_;
  }

  void add(const Vector& x, int path, std::vector<double>& weight) const {
    for (std::size_t s = 0; s < species_; ++s)
      for (std::size_t q = 0; q < x.size(); ++q)
        for (std::size_t c = 0; c < channels_; ++c)
          weight[(s * x.size() + q) * channels_ + c] += x[q] * row(s, path)[c];
  }

  const Contraction& contraction_;
  Polynomials theirs_;
  Polynomials ours_;
  std::size_t species_;
  std::size_t channels_;
};

}  // namespace

MaceBasis mace_basis(int highest, int degree, int order) {
  std::vector<Chain> chains = single_components(highest);
  for (int d = 2; d <= degree; ++d) chains = longer_chains(chains, highest, d == degree ? order : -1);
  std::erase_if(chains, [&](const Chain& chain) { return chain.order != order; });
  MaceBasis basis{degree, order, (highest + 1) * (highest + 1), static_cast<int>(chains.size()), {}};
  for (std::size_t n = 0; !chains.empty() && n < chains.front().tensor.size(); ++n)
    for (const Chain& chain : chains) basis.matrix.push_back(chain.tensor[n]);
  return basis;
}

MaceWeights mace_weights(const Contraction& contraction, const std::vector<MaceBasis>& bases, std::size_t species,
                         int channels) {
  std::vector<WeightSolver> solvers;
  for (const MaceBasis& basis : bases) solvers.emplace_back(contraction, basis, species, channels);
  MaceWeights result;
  int first = 0;
  bool are_theirs = true;
  for (std::size_t d = 0; d < bases.size() && are_theirs; first += bases[d++].paths)
    are_theirs = solvers[d].are_theirs(first);
  are_theirs = are_theirs && first == contraction.paths;
  first = 0;
  for (std::size_t d = 0; d < bases.size(); first += bases[d++].paths)
    result.of_degree.push_back(are_theirs ? solvers[d].keep(first) : solvers[d].solve(result.residual));
  return result;
}

int degree_of(const Contraction& contraction) {
  int degree = 1;
  for (const Contraction::Term& term : contraction.terms) degree = std::max(degree, factors_in(term.factors));
  return degree;
}

}  // namespace grapevine
