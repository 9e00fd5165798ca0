#include "models/mace/training/couplings.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "equivariant_random.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/mace/file.hpp"
#include "models/mace/training/arrays.hpp"

namespace grapevine {
namespace {

using mace::complete_contraction;
using mace::Contraction;
using mace::PathRange;
using Vector = std::vector<double>;
using Factors = std::array<int, mace::max_degree>;
using Polynomial = std::map<std::pair<int, Factors>, double>;

/// Real harmonics of orders 0 to 3 in e3nn's order and axes, [l^2 + l + m], without normalisation by order.
Vector harmonics(const std::array<double, 3>& v) {
  const double x = v[2], y = v[0], z = v[1];  // e3nn's polar axis is y
  const double r2 = x * x + y * y + z * z;
  const double s3 = std::sqrt(3.0), s15 = std::sqrt(15.0);
  const double a = std::sqrt(5.0 / 8), b = std::sqrt(3.0 / 8);
  return {1,
          y,
          z,
          x,
          s3 * x * y,
          s3 * y * z,
          0.5 * (3 * z * z - r2),
          s3 * x * z,
          0.5 * s3 * (x * x - y * y),
          a * y * (3 * x * x - y * y),
          s15 * x * y * z,
          b * y * (5 * z * z - r2),
          0.5 * z * (5 * z * z - 3 * r2),
          b * x * (5 * z * z - r2),
          0.5 * s15 * z * (x * x - y * y),
          a * x * (x * x - 3 * y * y)};
}

std::array<double, 3> turned(const std::array<double, 3>& v, double c, double s) {
  // about z, then about x
  const std::array<double, 3> w{c * v[0] - s * v[1], s * v[0] + c * v[1], v[2]};
  return {w[0], s * w[1] - c * w[2], c * w[1] + s * w[2]};
}

/// Each path's value, [component][path].
std::vector<Vector> values_of(const Contraction& contraction, const Vector& a) {
  std::vector<Vector> values(static_cast<std::size_t>(2 * contraction.order + 1),
                             Vector(static_cast<std::size_t>(contraction.paths)));
  for (const Contraction::Term& term : contraction.terms) {
    double product = term.value;
    for (const int factor : term.factors)
      if (factor >= 0) product *= a[static_cast<std::size_t>(factor)];
    values[static_cast<std::size_t>(term.component)][static_cast<std::size_t>(term.path)] += product;
  }
  return values;
}

Polynomial polynomial_of(const Contraction& contraction, int path) {
  Polynomial p;
  for (const Contraction::Term& term : contraction.terms)
    if (term.path == path) p[{term.component, term.factors}] += term.value;
  return p;
}

double orderings(const Factors& factors) {
  Factors copy = factors;
  double count = 0;
  do count += 1;
  while (std::next_permutation(copy.begin(), copy.end()));
  // Those that stand for no factor may stand at the front only.
  const auto unused = std::count(factors.begin(), factors.end(), -1);
  return unused == 0 ? count : unused == 1 ? count / 3 : 1;
}

double scalar_product(const Polynomial& a, const Polynomial& b) {
  double sum = 0;
  for (const auto& [key, value] : a)
    if (const auto found = b.find(key); found != b.end()) sum += value * found->second / orderings(key.second);
  return sum;
}

/// Paths of each degree.
std::vector<int> path_counts(const Contraction& contraction) {
  std::vector<int> counts;
  for (const PathRange& range : mace::paths_by_degree(contraction)) counts.push_back(range.count);
  return counts;
}

TEST(MaceCouplings, PathsAreAsManyAsThereAreIndependentProducts) {
  using ::testing::ElementsAre;
  // (0), (00) (11) (22) (33), (000) (011) (022) (033) (112) (123) (222) (233)
  EXPECT_THAT(path_counts(complete_contraction(3, 3, 0)), ElementsAre(1, 4, 8));
  EXPECT_THAT(path_counts(complete_contraction(2, 3, 0)), ElementsAre(1, 3, 5));
  EXPECT_THAT(path_counts(complete_contraction(0, 3, 0)), ElementsAre(1, 1, 1));
  // (1), (01) (12), (001) (012) (111) (122) twice ... : three vectors make one vector only if they are the same
  EXPECT_THAT(path_counts(complete_contraction(1, 3, 1)), ElementsAre(1, 1, 2));
  EXPECT_THAT(path_counts(complete_contraction(3, 1, 2)), ElementsAre(1));
}

TEST(MaceCouplings, TermsAreSortedAndOrthonormal) {
  for (int order = 0; order <= 2; ++order) {
    const Contraction contraction = complete_contraction(3, 3, order);
    std::vector<Polynomial> paths;
    for (int path = 0; path < contraction.paths; ++path) paths.push_back(polynomial_of(contraction, path));
    for (std::size_t a = 0; a < paths.size(); ++a)
      for (std::size_t b = 0; b < paths.size(); ++b)
        EXPECT_NEAR(scalar_product(paths[a], paths[b]), a == b ? 2 * order + 1 : 0, 1e-9);
    for (std::size_t n = 1; n < contraction.terms.size(); ++n) {
      const auto rank = [](const Contraction::Term& t) { return std::tuple(t.component, t.factors, t.path); };
      EXPECT_LT(rank(contraction.terms[n - 1]), rank(contraction.terms[n]));
    }
  }
}

/// Where A is the harmonics of several vectors, so that what it turns into is known, irreps of the output turn as
/// harmonics of their order do.
TEST(MaceCouplings, TurnAsHarmonicsDo) {
  test::Random random(3);
  std::vector<std::array<double, 3>> vectors(5);
  for (auto& v : vectors) v = {random(-1, 1), random(-1, 1), random(-1, 1)};
  const double c = std::cos(0.7), s = std::sin(0.7);
  const auto sum = [&](bool turn) {
    Vector a(16, 0.0);
    double weight = 0.3;
    for (const auto& v : vectors) {
      const Vector h = harmonics(turn ? turned(v, c, s) : v);
      for (std::size_t i = 0; i < a.size(); ++i) a[i] += weight * h[i];
      weight += 0.37;
    }
    return a;
  };
  for (int order = 0; order <= 3; ++order) {
    const Contraction contraction = complete_contraction(3, 3, order);
    const std::vector<Vector> before = values_of(contraction, sum(false));
    const std::vector<Vector> after = values_of(contraction, sum(true));
    // The dot product with harmonics of a vector does not change when everything turns.
    for (const auto& v : vectors) {
      const Vector h = harmonics(v), turned_h = harmonics(turned(v, c, s));
      for (std::size_t path = 0; path < before.front().size(); ++path) {
        double a = 0, b = 0;
        for (int m = 0; m <= 2 * order; ++m) {
          a += before[m][path] * h[static_cast<std::size_t>(order * order + m)];
          b += after[m][path] * turned_h[static_cast<std::size_t>(order * order + m)];
        }
        EXPECT_NEAR(a, b, 1e-9 * (1 + std::abs(a))) << order << " " << path;
      }
    }
  }
}

/// What mace-torch couples is in the span of these couplings.
TEST(MaceCouplings, SpanThoseOfMaceTorch) {
  int models = 0;
  const std::filesystem::path folder = std::filesystem::path(GRAPEVINE_SOURCE_DIR) / "tests/data/models";
  for (const char* name : {"mace-small.safetensors"}) {
    const mace::Parameters p = mace::read_parameters(TensorFile::read(folder / name));
    ++models;
    for (const mace::Interaction& x : p.interactions)
      for (const Contraction& theirs : x.contractions) {
        const Contraction ours =
            complete_contraction(static_cast<int>(x.message.size()) - 1, mace::max_degree, theirs.order);
        for (int path = 0; path < theirs.paths; ++path) {
          Polynomial rest = polynomial_of(theirs, path);
          const double size = scalar_product(rest, rest);
          for (int known = 0; known < ours.paths; ++known) {
            const Polynomial basis = polynomial_of(ours, known);
            const double share = scalar_product(rest, basis) / scalar_product(basis, basis);
            for (const auto& [key, value] : basis) rest[key] -= share * value;
          }
          EXPECT_LT(scalar_product(rest, rest), 1e-9 * size) << name << " path " << path;
        }
      }
  }
  EXPECT_EQ(models, 1);
}

}  // namespace
}  // namespace grapevine
