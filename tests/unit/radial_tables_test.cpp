#include "models/equivariant/training/radial_tables-inl.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

#include "dual_blocks.hpp"
#include "equivariant_random.hpp"

namespace grapevine::equivariant {
namespace {

using namespace HWY_NAMESPACE;
using test::Random;
using Vector = std::vector<double>;

struct FamilyCase {
  BasisKind basis;
  CutoffKind cutoff;
  TransformKind transform;
  int kinds;
  bool density;
  bool biases;
};

RadialWeights random_weights(const FamilyCase& c, Random& random) {
  RadialWeights weights;
  RadialBasis& basis = weights.basis;
  basis.kind = c.basis;
  basis.cutoff = 5;
  basis.cutoff_kind = c.cutoff;
  basis.cutoff_onset = 4.5;
  basis.cutoff_power = 5;
  basis.prefactor = 0.7;
  basis.transform.kind = c.transform;
  basis.width = 0.8;
  for (int n = 0; n < 6; ++n) {
    if (c.basis == BasisKind::bessel) basis.frequency.push_back((n + random(0.9, 1.1)) * std::numbers::pi / 5);
    if (c.basis == BasisKind::gaussian) basis.centre.push_back(0.3 + 0.8 * n);
  }
  weights.channels = {5, 18, 33};
  weights.power = {0, 1, 2};
  weights.denominator = 3.5;
  weights.network.layers = test::random_layers(6, {17, 12}, 56, c.biases, random);
  weights.network.activation = test::scaled_activation(ActivationKind::silu);
  if (c.density) weights.density = random.normal(6, 1);
  return weights;
}

RadialFamily random_family(const FamilyCase& c) {
  Random random(11);
  RadialFamily family;
  for (int t = 0; t < 2; ++t) family.passes.push_back(random_weights(c, random));
  for (int kind = 0; kind < c.kinds; ++kind) family.lengths.push_back(1.1 + 0.6 * kind);
  return family;
}

/// Edges of all kinds, some of them beyond the cutoff, with changes of their distances.
template <class Real>
EdgeGeometry<Real> random_edges(int edges, const RadialFamily& family) {
  Random random(4);
  EdgeGeometry<Real> geometry;
  geometry.fit(edges, 2);
  for (int e = 0; e < edges; ++e) {
    geometry.distance[e] = static_cast<Real>(random(0.7, 5.2));
    geometry.distance[geometry.stride + e] = static_cast<Real>(random(-1, 1));
    if (!family.lengths.empty()) geometry.kind.push_back(e % static_cast<int>(family.kinds()));
  }
  return geometry;
}

template <class Real>
std::shared_ptr<RadialTables<Real>> tables_of(const RadialFamily& family, int threads = 1) {
  auto tables = std::make_shared<RadialTables<Real>>(family, table_intervals(family));
  tables->assign(family, threads);
  return tables;
}

/// Of an edge: values and slopes of all weights without their padding, behind them those of the density.
struct EdgeWeights {
  Vector value, slope;
};

template <class Real>
EdgeWeights weights_of_edge(const TableRadial<Real>& radial, const RadialWeights& of, int t, int edge,
                            const typename TableRadial<Real>::Scratch& scratch) {
  EdgeWeights all;
  for (std::size_t path = 0; path < of.channels.size(); ++path) {
    const auto weights = radial.weights(t, static_cast<int>(path), scratch);
    for (int c = 0; c < of.channels[path]; ++c) {
      Pack<Real, 1> value, slope;
      weights.value_and_slope(edge, c, value, slope);
      all.value.push_back(static_cast<double>(sum_of_lanes(value)));
      all.slope.push_back(static_cast<double>(sum_of_lanes(slope) * weights.slope_scale(edge)));
    }
  }
  if (of.density.empty()) return all;
  all.value.push_back(static_cast<double>(radial.densities(scratch).value[edge]));
  all.slope.push_back(static_cast<double>(radial.densities(scratch).slope[edge]));
  return all;
}

double greatest(const Vector& numbers) {
  double most = 0;
  for (const double number : numbers) most = std::max(most, std::abs(number));
  return most;
}

class RadialTablesTest : public testing::TestWithParam<FamilyCase> {
 protected:
  static constexpr int edges = 150;

  template <class Real>
  void expect_weights(double accuracy, double accuracy_of_slopes) const {
    const TableRadial<Real> radial(tables_of<Real>(family));
    const EdgeGeometry<Real> geometry = random_edges<Real>(edges, family);
    typename TableRadial<Real>::Scratch scratch;
    for (int t = 0; t < 2; ++t) {
      radial.prepare(t, geometry, scratch);
      RadialWeights weights = family.passes[t];
      EdgeWeights exact;
      double largest = 0;
      for (int e = 0; e < edges; ++e) {
        const auto r = static_cast<double>(geometry.distance[e]);
        const EdgeWeights found = weights_of_edge(radial, weights, t, e, scratch);
        if (r >= 5) {
          EXPECT_EQ(greatest(found.value), 0);
          EXPECT_EQ(greatest(found.slope), 0);
          continue;
        }
        weights.basis = family.basis(t, geometry.kind_of(e));
        weights.evaluate(r, exact.value, exact.slope);
        ASSERT_EQ(found.value.size(), exact.value.size());
        largest = std::max(largest, greatest(exact.value));
        for (std::size_t c = 0; c < exact.value.size(); ++c) {
          EXPECT_NEAR(found.value[c], exact.value[c], accuracy * largest) << r;
          EXPECT_NEAR(found.slope[c], exact.slope[c], accuracy_of_slopes * largest) << r;
        }
      }
    }
  }

  RadialFamily family = random_family(GetParam());
};

TEST_P(RadialTablesTest, IsAsNearTheNetworksAsItSays) {
  const double error = tables_of<double>(family)->interpolation_error();
  EXPECT_GT(error, 1e-10);
  EXPECT_LT(error, 1e-6);
  expect_weights<double>(5 * error, 500 * error);
  EXPECT_NEAR(tables_of<float>(family)->interpolation_error(), error, 1e-6);
  expect_weights<float>(5 * error + 2e-6, 500 * error + 5e-5);
}

/// u = dE/dw of all edges and its change, as the kernels take them; what stands in the padding is not to matter.
template <class Real>
struct EdgeSeeds {
  simd::AlignedVector<Real> d, d_change, d_density, d_density_change;

  EdgeSeeds(int edges, int row) {
    Random random(9);
    for (auto* numbers : {&d, &d_change})
      for (int n = 0; n < edges * row; ++n) numbers->push_back(static_cast<Real>(random(-1, 1)));
    for (auto* numbers : {&d_density, &d_density_change})
      for (int n = 0; n < edges; ++n) numbers->push_back(static_cast<Real>(random(-1, 1)));
  }
  EdgeWeightGradients<Real> gradients() const {
    return {d.data(), d_change.data(), d_density.data(), d_density_change.data()};
  }
};

/// The loss whose gradient by the edges' weights is u', and by their changes u.
double loss(const RadialFamily& family, const EdgeGeometry<double>& geometry) {
  const TableRadial<double> radial(tables_of<double>(family));
  TableRadial<double>::Scratch scratch;
  double sum = 0;
  for (int t = 0; t < 2; ++t) {
    radial.prepare(t, geometry, scratch);
    const RadialWeights& weights = family.passes[t];
    const std::vector<int>& first = radial.tables().first(t);
    const EdgeSeeds<double> seeds(geometry.edges, first.back());
    for (int e = 0; e < geometry.edges; ++e) {
      const EdgeWeights of_edge = weights_of_edge(radial, weights, t, e, scratch);
      const double r_change = geometry.radial_distance(1)[e];
      std::size_t column = 0;
      for (std::size_t path = 0; path < weights.channels.size(); ++path)
        for (int c = 0; c < weights.channels[path]; ++c, ++column) {
          const int at = e * first.back() + first[path] + c;
          sum += seeds.d_change[at] * of_edge.value[column] + seeds.d[at] * of_edge.slope[column] * r_change;
        }
      if (!weights.density.empty())
        sum +=
            seeds.d_density_change[e] * of_edge.value[column] + seeds.d_density[e] * of_edge.slope[column] * r_change;
    }
  }
  return sum;
}

std::vector<RadialWeights> zeros_like(std::vector<RadialWeights> passes) {
  for (RadialWeights& pass : passes) {
    for (Dense& dense : pass.network.layers) {
      std::fill(dense.weight.begin(), dense.weight.end(), 0.0);
      std::fill(dense.bias.begin(), dense.bias.end(), 0.0);
    }
    std::fill(pass.basis.frequency.begin(), pass.basis.frequency.end(), 0.0);
    std::fill(pass.density.begin(), pass.density.end(), 0.0);
  }
  return passes;
}

/// Of the loss, by two blocks of edges and two sums.
template <class Real>
std::vector<RadialWeights> gradient_of_loss(const RadialFamily& family, int edges, int threads) {
  const auto tables = tables_of<Real>(family, threads);
  const TableRadial<Real> radial(tables);
  const EdgeGeometry<Real> geometry = random_edges<Real>(edges, family);
  typename RadialTables<Real>::Gradient sum(*tables), other(*tables);
  typename TableRadial<Real>::Scratch scratch;
  for (int round = 0; round < 2; ++round) {  // what is left of the first is not to matter
    sum.clear();
    other.clear();
    for (int t = 0; t < 2; ++t) {
      const std::ptrdiff_t row = tables->first(t).back();
      const EdgeSeeds<Real> seeds(edges, static_cast<int>(row));
      const EdgeWeightGradients<Real> d = seeds.gradients();
      for (int half = 0; half < 2; ++half) {
        const int from = half == 0 ? 0 : edges / 3;
        EdgeGeometry<Real> block;
        block.fit(half == 0 ? edges / 3 : edges - from, 2);
        for (int e = 0; e < block.edges; ++e) {
          block.distance[e] = geometry.distance[from + e];
          block.distance[block.stride + e] = geometry.distance[geometry.stride + from + e];
          if (!geometry.kind.empty()) block.kind.push_back(geometry.kind[from + e]);
        }
        radial.prepare(t, block, scratch);
        tables->add_edge_gradients(
            t, scratch.places, block.radial_distance(1),
            {d.d + from * row, d.d_change + from * row, d.d_density + from, d.d_density_change + from},
            half == 0 ? sum : other);
      }
    }
    for (std::size_t t = 0; t < 2; ++t) sum.add(t, other);
    std::vector<RadialWeights> gradient = zeros_like(family.passes);
    tables->collect(sum, threads, gradient);
    tables->assign(family, threads);
    if (round == 1) return gradient;
  }
  return {};
}

/// All numbers that have a gradient, with those of the same place in `gradient`.
template <class Function>
void for_each_array(std::vector<RadialWeights>& passes, const std::vector<RadialWeights>& gradient,
                    const Function& function) {
  for (std::size_t t = 0; t < passes.size(); ++t) {
    RadialWeights& of = passes[t];
    const RadialWeights& d = gradient[t];
    for (std::size_t n = 0; n < of.network.layers.size(); ++n) {
      function("weight", of.network.layers[n].weight, d.network.layers[n].weight);
      function("bias", of.network.layers[n].bias, d.network.layers[n].bias);
    }
    function("frequency", of.basis.frequency, d.basis.frequency);
    function("density", of.density, d.density);
  }
}

TEST_P(RadialTablesTest, HasTheGradientByEveryKindOfParameter) {
  const std::vector<RadialWeights> gradient = gradient_of_loss<double>(family, edges, 1);
  const EdgeGeometry<double> geometry = random_edges<double>(edges, family);
  for_each_array(family.passes, gradient, [&](const char* name, Vector& numbers, const Vector& slopes) {
    ASSERT_EQ(numbers.size(), slopes.size());
    const double largest = greatest(slopes);
    EXPECT_TRUE(numbers.empty() || largest > 1e-3) << name;
    const std::size_t step = std::max<std::size_t>(1, numbers.size() / 6);
    for (std::size_t n = 0; n < numbers.size(); n += step) {
      const double before = numbers[n];
      const double expected = test::slope_of_number([&](double change) {
        numbers[n] = before + change;
        return loss(family, geometry);
      });
      numbers[n] = before;
      EXPECT_NEAR(slopes[n], expected, 1e-7 * largest) << name << ", number " << n;
    }
  });
}

TEST_P(RadialTablesTest, GradientIsTheSameInFloatAndOnSeveralThreads) {
  const std::vector<RadialWeights> gradient = gradient_of_loss<double>(family, edges, 1);
  const std::vector<RadialWeights> by_threads = gradient_of_loss<double>(family, edges, 3);
  std::vector<RadialWeights> rounded = gradient_of_loss<float>(family, edges, 2);
  for_each_array(rounded, gradient, [&](const char* name, const Vector& numbers, const Vector& expected) {
    for (std::size_t n = 0; n < numbers.size(); ++n)
      EXPECT_NEAR(numbers[n], expected[n], 1e-4 * greatest(expected)) << name;
  });
  for_each_array(rounded = by_threads, gradient,
                 [](const char*, const Vector& numbers, const Vector& expected) { EXPECT_EQ(numbers, expected); });
}

INSTANTIATE_TEST_SUITE_P(
    Families, RadialTablesTest,
    testing::Values(FamilyCase{BasisKind::bessel, CutoffKind::polynomial, TransformKind::none, 0, false, false},
                    FamilyCase{BasisKind::bessel, CutoffKind::xplor, TransformKind::none, 0, true, true},
                    FamilyCase{BasisKind::gaussian, CutoffKind::polynomial, TransformKind::soft, 2, false, true},
                    FamilyCase{BasisKind::bessel, CutoffKind::polynomial, TransformKind::agnesi, 3, true, false}));

TEST(RadialTables, HaveAKnotWhereTheCutoffFunctionHasAKink) {
  RadialFamily family = random_family({BasisKind::bessel, CutoffKind::xplor, TransformKind::none, 0, false, false});
  EXPECT_EQ(table_intervals(family), 100);
  const auto error = [&](int intervals) {
    RadialTables<double> tables(family, intervals);
    tables.assign(family, 1);
    return tables.interpolation_error();
  };
  EXPECT_GT(error(101), 20 * error(100));
  family.passes[1].basis.cutoff_onset = 5 * 77.0 / 105;
  EXPECT_EQ(table_intervals(family), 120) << "for both passes";
  family.passes[0].basis.cutoff_kind = CutoffKind::polynomial;
  EXPECT_EQ(table_intervals(family), 105);
  family.passes[1].basis.cutoff_onset = 4.000123;
  EXPECT_EQ(table_intervals(family), 100) << "as there is no such number";
}

TEST(RadialTables, TakeTrainedFrequencies) {
  RadialFamily family =
      random_family({BasisKind::bessel, CutoffKind::polynomial, TransformKind::agnesi, 2, true, false});
  RadialTables<double> tables(family, 100);
  tables.assign(family, 1);
  family.passes[1].basis.frequency[2] *= 1.1;
  tables.assign(family, 1);
  EXPECT_LT(tables.interpolation_error(), 1e-6);
}

}  // namespace
}  // namespace grapevine::equivariant
