#include "models/nequip/parameters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <ostream>
#include <random>

#include "nequip_random.hpp"
#include "nequip_reference.hpp"
#include "support/error.hpp"

namespace grapevine::test {
namespace {

using equivariant::Activation;
using equivariant::ActivationKind;
using equivariant::CutoffKind;
using equivariant::IrrepsList;
using nequip::Parameters;
using testing::HasSubstr;
using Matrix = std::vector<std::vector<double>>;
using Point = std::array<double, 3>;

// A rotation about an axis, or with `mirrored` the inversion after it.
std::array<Point, 3> rotation(double angle, bool mirrored = false) {
  const Point axis = {2.0 / 7, -3.0 / 7, 6.0 / 7};
  const double sign = mirrored ? -1 : 1;
  std::array<Point, 3> r{};
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) {
      const int c = 3 - a - b;
      const double cross = a == b ? 0 : ((b - a + 3) % 3 == 1 ? -axis[c] : axis[c]);
      r[a][b] =
          sign * ((a == b ? std::cos(angle) : 0) + std::sin(angle) * cross + (1 - std::cos(angle)) * axis[a] * axis[b]);
    }
  return r;
}

Point turned(const std::array<Point, 3>& r, const double* d) {
  Point result{};
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) result[a] += r[a][b] * d[b];
  return result;
}

Frame turned(const std::array<Point, 3>& r, Frame frame) {
  for (int i = 0; i < frame.atoms(); ++i) {
    const Point moved = turned(r, &frame.positions[3 * i]);
    std::copy(moved.begin(), moved.end(), &frame.positions[3 * i]);
  }
  for (int k = 0; k < 3; ++k) {
    const Point moved = turned(r, &frame.cell[3 * k]);
    std::copy(moved.begin(), moved.end(), &frame.cell[3 * k]);
  }
  return frame;
}

// Solves a x = b for every column of b, by elimination with pivots.
Matrix solve(Matrix a, Matrix b) {
  const std::size_t n = a.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = 0; j < n; ++j) a[i][j] -= factor * a[k][j];
      for (std::size_t j = 0; j < n; ++j) b[i][j] -= factor * b[k][j];
    }
  }
  for (std::size_t i = 0; i < n; ++i)
    for (double& value : b[i]) value /= a[i][i];
  return b;
}

// D with Y(r d) = D Y(d), from 2 l + 1 directions.
Matrix harmonics_rotation(int l, const std::array<Point, 3>& r) {
  std::mt19937 engine(5);
  std::normal_distribution<double> normal;
  Matrix before;
  Matrix after;
  for (int k = 0; k < 2 * l + 1; ++k) {
    const Point d = {normal(engine), normal(engine), normal(engine)};
    before.push_back(real_harmonics(l, d));
    after.push_back(real_harmonics(l, turned(r, d.data())));
  }
  const Matrix transposed = solve(before, after);
  Matrix result(transposed.size(), std::vector<double>(transposed.size()));
  for (std::size_t i = 0; i < result.size(); ++i)
    for (std::size_t j = 0; j < result.size(); ++j) result[i][j] = transposed[j][i];
  return result;
}

bool couple(int l1, int l2, int l3) { return l1 + l2 >= l3 && l1 + l3 >= l2 && l2 + l3 >= l1; }

void for_each_triple(const std::function<void(int, int, int)>& f) {
  for (int l1 = 0; l1 <= equivariant::max_order; ++l1)
    for (int l2 = 0; l2 <= equivariant::max_order; ++l2)
      for (int l3 = 0; l3 <= equivariant::max_order; ++l3) f(l1, l2, l3);
}

TEST(NequipHarmonics, AreThoseOfE3nn) {
  const std::vector<std::vector<double>> expected = {
      {1},
      {0.831384387633, -1.039230484541, 1.108512516844},
      {1.189780483955, -1.115419203708, 0.089442719100, -1.487225604944, 0.347019307820},
      {1.002385644590, -1.888717965182, 0.622151107047, 0.952470471983, 0.829534809396, -0.550876073178,
       -0.376965541555}};
  for (int l = 0; l <= 3; ++l)
    EXPECT_THAT(real_harmonics(l, {0.48, -0.6, 0.64}), testing::Pointwise(testing::DoubleNear(1e-11), expected[l]));
}

TEST(NequipHarmonics, GrowWithThePowerOfTheLength) {
  for (int l = 0; l <= 3; ++l) {
    double square = 0;
    for (const double value : real_harmonics(l, {0.3, -1.7, 0.9})) square += value * value;
    EXPECT_NEAR(square, (2 * l + 1) * std::pow(0.3 * 0.3 + 1.7 * 1.7 + 0.9 * 0.9, l), 1e-11 * square);
  }
}

TEST(NequipWigner3j, VanishesUnlessOrdersCouple) {
  for_each_triple([](int l1, int l2, int l3) {
    double square = 0;
    for (int a = 0; a < 2 * l1 + 1; ++a)
      for (int b = 0; b < 2 * l2 + 1; ++b)
        for (int c = 0; c < 2 * l3 + 1; ++c) square += std::pow(wigner_3j(l1, l2, l3, a, b, c), 2);
    EXPECT_NEAR(square, couple(l1, l2, l3) ? 1 : 0, 1e-13) << l1 << l2 << l3;
  });
}

TEST(NequipWigner3j, IsOrthogonal) {
  for_each_triple([](int l1, int l2, int l3) {
    for (int other = 0; other <= equivariant::max_order; ++other)
      for (int c = 0; c < 2 * l3 + 1; ++c)
        for (int d = 0; d < 2 * other + 1; ++d) {
          double sum = 0;
          for (int a = 0; a < 2 * l1 + 1; ++a)
            for (int b = 0; b < 2 * l2 + 1; ++b)
              sum += wigner_3j(l1, l2, l3, a, b, c) * wigner_3j(l1, l2, other, a, b, d);
          const bool same = l3 == other && c == d && couple(l1, l2, l3);
          EXPECT_NEAR(sum, same ? 1.0 / (2 * l3 + 1) : 0, 1e-13) << l1 << l2 << l3 << other;
        }
  });
}

TEST(NequipWigner3j, IsTheSameAfterRotation) {
  const std::array<Point, 3> r = rotation(1.234);
  std::vector<Matrix> turn;
  for (int l = 0; l <= equivariant::max_order; ++l) turn.push_back(harmonics_rotation(l, r));
  for_each_triple([&](int l1, int l2, int l3) {
    for (int a = 0; a < 2 * l1 + 1; ++a)
      for (int b = 0; b < 2 * l2 + 1; ++b)
        for (int c = 0; c < 2 * l3 + 1; ++c) {
          double sum = 0;
          for (int i = 0; i < 2 * l1 + 1; ++i)
            for (int j = 0; j < 2 * l2 + 1; ++j)
              for (int k = 0; k < 2 * l3 + 1; ++k)
                sum += turn[l1][a][i] * turn[l2][b][j] * turn[l3][c][k] * wigner_3j(l1, l2, l3, i, j, k);
          EXPECT_NEAR(sum, wigner_3j(l1, l2, l3, a, b, c), 1e-12) << l1 << l2 << l3;
        }
  });
}

// One number of each symbol by e3nn, to which every component adds a share of its own.
TEST(NequipWigner3j, HasTheSignsOfE3nn) {
  struct Sum {
    int l1, l2, l3;
    double value;
  };
  const Sum expected[] = {
      {0, 0, 0, 0.841470984808},  {0, 1, 1, 0.391522242783},  {0, 2, 2, 0.051642483067},  {0, 3, 3, -0.068189512274},
      {1, 0, 1, 0.168697117252},  {1, 1, 0, 0.170125029877},  {1, 1, 1, -0.297587958478}, {1, 1, 2, 0.255909752637},
      {1, 2, 1, -0.434383167589}, {1, 2, 2, 0.867491570841},  {1, 2, 3, 0.317391556503},  {1, 3, 2, 0.027432578461},
      {1, 3, 3, -0.318769898023}, {2, 0, 2, 0.518656901243},  {2, 1, 1, 0.744576087505},  {2, 1, 2, -0.292561864808},
      {2, 1, 3, 0.060251527979},  {2, 2, 0, -0.110267336301}, {2, 2, 1, -0.406845454876}, {2, 2, 2, -1.601277670590},
      {2, 2, 3, -0.544528430299}, {2, 3, 1, 0.109203633032},  {2, 3, 2, -0.112917446862}, {2, 3, 3, 0.368822778424},
      {3, 0, 3, 0.017906734627},  {3, 1, 2, -0.388732433660}, {3, 1, 3, 1.211505506426},  {3, 2, 1, 0.083420375200},
      {3, 2, 2, 0.366002687154},  {3, 2, 3, 0.820407796723},  {3, 3, 0, 0.173008939600},  {3, 3, 1, 0.353100624643},
      {3, 3, 2, 0.207807766536},  {3, 3, 3, -0.024520364129}};
  for (const auto& [l1, l2, l3, value] : expected) {
    double sum = 0;
    for (int a = 0; a < 2 * l1 + 1; ++a)
      for (int b = 0; b < 2 * l2 + 1; ++b)
        for (int c = 0; c < 2 * l3 + 1; ++c) sum += wigner_3j(l1, l2, l3, a, b, c) * std::sin(1 + a + 3 * b + 7 * c);
    EXPECT_NEAR(sum, value, 1e-11) << l1 << l2 << l3;
  }
}

TEST(NequipIrreps, AreReadAndWritten) {
  const IrrepsList list = equivariant::parse_irreps("128x0e + 64x1o+2e+9x3o", "config");
  EXPECT_EQ(list, (IrrepsList{{128, 0, 1}, {64, 1, -1}, {1, 2, 1}, {9, 3, -1}}));
  EXPECT_EQ(equivariant::to_string(list), "128x0e+64x1o+1x2e+9x3o");
  EXPECT_EQ(equivariant::channels(list), 128 + 64 + 1 + 9);
  EXPECT_EQ(equivariant::numbers(list), 128 + 3 * 64 + 5 + 7 * 9);
}

TEST(NequipIrreps, OthersAreRefused) {
  std::string many = "1x0e";
  for (int n = 0; n < 64; ++n) many += "+1x0e";
  for (const std::string& text :
       {std::string(), std::string("0x0e"), std::string("-3x0e"), std::string("4x0"), std::string("4x0f"),
        std::string("x0e"), std::string("4x0e+"), std::string("+4x0e"), std::string("4097x0e"), std::string("4x10e"),
        std::string("4xe"), std::string("4x1e,2x0e"), std::string("99999999999999999999x0e"), std::string("4x-1e"),
        many})
    try {
      equivariant::parse_irreps(text, "irreps_manual");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith("irreps_manual: ")) << text;
    }
}

TEST(NequipActivation, SlopesEqualFiniteDifferences) {
  for (const ActivationKind kind :
       {ActivationKind::identity, ActivationKind::silu, ActivationKind::tanh, ActivationKind::relu, ActivationKind::abs,
        ActivationKind::sigmoid, ActivationKind::elu, ActivationKind::shifted_softplus, ActivationKind::softplus,
        ActivationKind::mish, ActivationKind::gelu}) {
    const Activation activation{kind, 1.7};
    EXPECT_EQ(equivariant::find_activation(equivariant::activation_name(kind)), kind);
    for (const double x : {-40.0, -3.1, -0.4, 0.2, 1.9, 40.0}) {
      constexpr double h = 1e-5;
      const double slope = (activation.value(x + h) - activation.value(x - h)) / (2 * h);
      EXPECT_NEAR(activation.slope(x), slope, 1e-9) << equivariant::activation_name(kind) << " at " << x;
      EXPECT_NEAR(activation.value(x), 1.7 * (Activation{kind, 1}.value(x)), 1e-13);
    }
    for (const double x : {-1e4, 1e4}) {
      EXPECT_TRUE(std::isfinite(activation.value(x))) << equivariant::activation_name(kind);
      EXPECT_TRUE(std::isfinite(activation.slope(x))) << equivariant::activation_name(kind);
    }
  }
  EXPECT_FALSE(equivariant::find_activation("swish").has_value());
}

TEST(NequipActivation, ValuesAreThoseOfTorch) {
  const auto value = [](ActivationKind kind, double x) { return Activation{kind, 1}.value(x); };
  EXPECT_NEAR(value(ActivationKind::silu, 1), 0.731058578630, 1e-12);
  EXPECT_NEAR(value(ActivationKind::shifted_softplus, 1), 0.620114506958, 1e-12);
  EXPECT_NEAR(value(ActivationKind::shifted_softplus, 0), 0, 1e-15);
  EXPECT_NEAR(value(ActivationKind::elu, -1), -0.632120558829, 1e-12);
  EXPECT_NEAR(value(ActivationKind::sigmoid, 1), 0.731058578630, 1e-12);
  EXPECT_NEAR(value(ActivationKind::softplus, 1), 1.313261687518, 1e-12);
  EXPECT_NEAR(value(ActivationKind::mish, 1), 0.865098388267, 1e-12);
  EXPECT_NEAR(value(ActivationKind::gelu, 1), 0.841344746069, 1e-12);
  EXPECT_EQ(value(ActivationKind::relu, -2), 0);
  EXPECT_EQ(value(ActivationKind::abs, -2), 2);
}

std::vector<NequipSizes> cutoff_cases() {
  return {{.cutoff_power = 6},
          {.cutoff_power = 1},
          {.cutoff_power = 9},
          {.cutoff_kind = CutoffKind::xplor, .cutoff_onset = 3},
          {.cutoff_kind = CutoffKind::xplor, .cutoff_onset = 0},
          {.normalised_harmonics = false, .radial_activation = ActivationKind::shifted_softplus}};
}

TEST(NequipCutoff, SlopeEqualsFiniteDifferences) {
  for (const NequipSizes& sizes : cutoff_cases()) {
    const Parameters p = random_parameters(sizes, 3);
    for (const double r : {0.3, 1.7, 2.9, 3.1, 3.7, 3.99}) {
      constexpr double h = 1e-5;
      const double slope = (p.basis.cutoff_function(r + h).value - p.basis.cutoff_function(r - h).value) / (2 * h);
      EXPECT_NEAR(p.basis.cutoff_function(r).slope, slope, 1e-8) << r;
    }
  }
}

TEST(NequipCutoff, GoesFromOneToZero) {
  for (const NequipSizes& sizes : cutoff_cases()) {
    const Parameters p = random_parameters(sizes, 3);
    EXPECT_NEAR(p.basis.cutoff_function(1e-9).value, 1, 1e-8);
    EXPECT_NEAR(p.basis.cutoff_function(p.basis.cutoff - 1e-6).value, 0, 1e-11);
    EXPECT_NEAR(p.basis.cutoff_function(p.basis.cutoff - 1e-6).slope, 0, 1e-5);
    EXPECT_EQ(p.basis.cutoff_function(p.basis.cutoff).value, 0);
    EXPECT_EQ(p.basis.cutoff_function(p.basis.cutoff + 1).slope, 0);
  }
  const Parameters p = random_parameters({.cutoff_kind = CutoffKind::xplor, .cutoff_onset = 3}, 3);
  EXPECT_EQ(p.basis.cutoff_function(2.99).value, 1);
}

TEST(NequipRadialWeights, SlopesEqualFiniteDifferences) {
  for (const NequipSizes& sizes : cutoff_cases()) {
    const Parameters p = random_parameters(sizes, 3);
    for (int t = 0; t < static_cast<int>(p.interactions.size()); ++t)
      for (const double r : {0.8, 1.9, 2.9, 3.7}) {
        constexpr double h = 1e-4;
        const auto weights = [&](double at) {
          std::vector<double> value;
          std::vector<double> slope;
          nequip::radial_weights(p)[static_cast<std::size_t>(t)].evaluate(at, value, slope);
          return std::pair(value, slope);
        };
        const auto [value, slope] = weights(r);
        ASSERT_EQ(static_cast<int>(value.size()), equivariant::channels(p.interactions[t].messages()));
        ASSERT_EQ(slope.size(), value.size());
        const auto a = weights(r - 2 * h).first, b = weights(r - h).first, c = weights(r + h).first,
                   d = weights(r + 2 * h).first;
        for (std::size_t n = 0; n < value.size(); ++n)
          EXPECT_NEAR(slope[n], (8 * (c[n] - b[n]) - (d[n] - a[n])) / (12 * h), 1e-8 * (1 + std::abs(slope[n])));
      }
  }
}

TEST(NequipRadialWeights, HavePowersOfTheLengthUnlessHarmonicsAreNormalised) {
  Parameters p = random_parameters({}, 3);
  std::vector<double> normalised;
  std::vector<double> slope;
  nequip::radial_weights(p)[1].evaluate(2.5, normalised, slope);
  p.normalised_harmonics = false;
  std::vector<double> value;
  nequip::radial_weights(p)[1].evaluate(2.5, value, slope);
  std::size_t n = 0;
  for (const equivariant::Path& path : p.interactions[1].paths)
    for (int c = 0; c < p.interactions[1].input[path.input].channels; ++c, ++n)
      EXPECT_NEAR(value[n], normalised[n] * std::pow(2.5, path.edge_order), 1e-12);
}

struct Nonsense {
  std::string words;  ///< of the message
  std::function<void(Parameters&)> make;
};

TEST(NequipCheck, RefusesNonsense) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Nonsense> cases = {
      {"species", [](Parameters& p) { p.species.clear(); }},
      {"cutoff of 0", [](Parameters& p) { p.basis.cutoff = 0; }},
      {"cutoff of nan", [](Parameters& p) { p.basis.cutoff = nan; }},
      {"cutoff of 1000", [](Parameters& p) { p.basis.cutoff = 1000; }},
      {"harmonics of order 5", [](Parameters& p) { p.edge_order = 5; }},
      {"harmonics of order -1", [](Parameters& p) { p.edge_order = -1; }},
      {"no radial basis", [](Parameters& p) { p.basis.frequency.clear(); }},
      {"radial frequency", [](Parameters& p) { p.basis.frequency[1] = nan; }},
      {"radial basis", [](Parameters& p) { p.basis.prefactor = nan; }},
      {"power 0", [](Parameters& p) { p.basis.cutoff_power = 0; }},
      {"from 4 to 4",
       [](Parameters& p) { p.basis.cutoff_kind = CutoffKind::xplor, p.basis.cutoff_onset = p.basis.cutoff; }},
      {"from -1 to 4", [](Parameters& p) { p.basis.cutoff_kind = CutoffKind::xplor, p.basis.cutoff_onset = -1; }},
      {"no interactions", [](Parameters& p) { p.interactions.clear(); }},
      {"even scalars", [](Parameters& p) { p.interactions[0].input[0].parity = -1; }},
      {"even scalars", [](Parameters& p) { p.interactions[0].input[0].order = 1; }},
      {"embedding has", [](Parameters& p) { p.embedding.pop_back(); }},
      {"embedding has", [](Parameters& p) { p.embedding[0] = nan; }},
      {"interaction 1 does not take", [](Parameters& p) { p.interactions[1].input[0].channels = 3; }},
      {"interaction 1: mixing of the input", [](Parameters& p) { p.interactions[1].mix_input.inputs.pop_back(); }},
      {"must not be mixed", [](Parameters& p) { p.interactions[1].mix_input.parts[0].output = 1; }},
      {"must not be mixed", [](Parameters& p) { p.interactions[1].mix_input.parts[0].input = 9; }},
      {"must not be mixed", [](Parameters& p) { p.interactions[1].mix_input.parts[0].input = -1; }},
      {"mixing of the input has", [](Parameters& p) { p.interactions[1].mix_input.parts[0].weight.pop_back(); }},
      {"mixing of the input has", [](Parameters& p) { p.interactions[1].mix_input.parts[0].weight[2] = nan; }},
      {"bias has",
       [](Parameters& p) {
         p.interactions[1].mix_input.bias = {1, 2};
       }},
      {"no products", [](Parameters& p) { p.interactions[1].paths.clear(); }},
      {"not there", [](Parameters& p) { p.interactions[1].paths[0].input = 3; }},
      {"not there", [](Parameters& p) { p.interactions[1].paths[0].input = -1; }},
      {"not there", [](Parameters& p) { p.interactions[1].paths[0].edge_order = 3; }},
      {"do not couple", [](Parameters& p) { p.interactions[1].paths[0].order = 3; }},
      {"do not couple", [](Parameters& p) { p.interactions[1].paths[0].parity = -1; }},
      {"denominator of 0", [](Parameters& p) { p.interactions[2].denominator = 0; }},
      {"denominator of nan", [](Parameters& p) { p.interactions[2].denominator = nan; }},
      {"no layers", [](Parameters& p) { p.interactions[0].radial.layers.clear(); }},
      {"radial network takes", [](Parameters& p) { p.interactions[0].radial.layers[1].inputs = 5; }},
      {"radial network weight", [](Parameters& p) { p.interactions[0].radial.layers[1].weight.pop_back(); }},
      {"radial network bias", [](Parameters& p) { p.interactions[0].radial.layers[1].bias = {1}; }},
      {"radial network gives", [](Parameters& p) { p.interactions[0].radial.layers.pop_back(); }},
      {"scale of an activation", [](Parameters& p) { p.interactions[0].radial.activation.scale = nan; }},
      {"mixing of the messages", [](Parameters& p) { p.interactions[0].mix_messages.outputs[0].channels++; }},
      {"self connection",
       [](Parameters& p) {
         auto& self = p.interactions[0].self_connection;
         self.resize(3, self[0]);
       }},
      {"self connection maps", [](Parameters& p) { p.interactions[0].self_connection[0].inputs[0].channels++; }},
      {"scalar that is none", [](Parameters& p) { p.interactions[0].gate.scalars[0].order = 1; }},
      {"at most order 4", [](Parameters& p) { p.interactions[0].gate.gated[0].order = 5; }},
      {"make no sense", [](Parameters& p) { p.interactions[0].gate.gated[0].channels = 0; }},
      {"make no sense", [](Parameters& p) { p.interactions[0].gate.gated[0].parity = 0; }},
      {"one activation for each", [](Parameters& p) { p.interactions[0].gate.scalar_activation.clear(); }},
      {"one activation for each", [](Parameters& p) { p.interactions[0].gate.gate_activation.clear(); }},
      {"scale of an activation", [](Parameters& p) { p.interactions[0].gate.gate_activation[0].scale = nan; }},
      {"parity of the gates", [](Parameters& p) { p.interactions[0].gate.gate_parity = 0; }},
      {"nothing to read", [](Parameters& p) { p.readout.clear(); }},
      {"readout takes", [](Parameters& p) { p.readout[0].inputs = 4; }},
      {"readout weight", [](Parameters& p) { p.readout[0].weight[0] = nan; }},
      {"readout gives", [](Parameters& p) { p.readout.pop_back(); }},
      {"readout: the scale of an activation", [](Parameters& p) { p.readout_activation.scale = nan; }},
      {"energy scale", [](Parameters& p) { p.energy_scale.pop_back(); }},
      {"energy shift", [](Parameters& p) { p.energy_shift[0] = nan; }},
      {"scale of neighbours", [](Parameters& p) { p.neighbour_scale = {1}; }},
      {"scale of neighbours",
       [](Parameters& p) {
         p.neighbour_scale = {1, nan};
       }},
      {"cutoffs of pairs has 3", [](Parameters& p) { p.pair_cutoff.assign(3, 3.0); }},
      {"pair's cutoff of 5", [](Parameters& p) { p.pair_cutoff.assign(4, 5.0); }},
      {"pair's cutoff of 0", [](Parameters& p) { p.pair_cutoff.assign(4, 0.0); }},
      {"normalised harmonics only",
       [](Parameters& p) {
         p.pair_cutoff.assign(4, 3.0);
         p.normalised_harmonics = false;
       }},
      {"without biases only",
       [](Parameters& p) {
         p.pair_cutoff.assign(4, 3.0);
         p.interactions[0].radial.layers[0].bias.assign(7, 0.0);
       }},
      {"1 self connections instead of 0",
       [](Parameters& p) { p.interactions[0].self_connection_kind = nequip::SelfConnectionKind::none; }},
      {"summed mix different irreps",
       [](Parameters& p) {
         nequip::Interaction& x = p.interactions[1];
         x.self_connection_kind = nequip::SelfConnectionKind::per_embedding;
         x.self_connection.resize(6, x.self_connection[0]);
         x.self_connection[3].parts.pop_back();
       }},
      {"shares of the norm has 0",
       [](Parameters& p) {
         p.interactions[1].norm = equivariant::RmsNorm{{}, {}, 1e-12};
       }},
      {"nuclear charges has 0", [](Parameters& p) { p.zbl = equivariant::Zbl{}; }},
      {"nuclear charge makes no sense",
       [](Parameters& p) {
         p.zbl = equivariant::Zbl{};
         p.zbl->charge = {1, -1};
       }},
  };
  const Parameters sound = random_parameters({}, 1);
  EXPECT_NO_THROW(nequip::check(sound));
  for (std::size_t n = 0; n < cases.size(); ++n) {
    Parameters p = sound;
    cases[n].make(p);
    try {
      nequip::check(p);
      ADD_FAILURE() << "case " << n << ", " << cases[n].words;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(cases[n].words)) << "case " << n;
    }
  }
}

TEST(NequipParameters, CountsAllNumbers) {
  const Parameters p = random_parameters({.species = {"H"},
                                          .edge_order = 1,
                                          .basis = 3,
                                          .features = {"2x0e", "2x0e+1x1e", "3x0e"},
                                          .radial_widths = {4},
                                          .self_connection = SelfConnection::none,
                                          .readout_widths = {}},
                                         1);
  // embedding, frequencies, scale, shift; two blocks of input, radial, messages; readout
  EXPECT_EQ(p.count(), 2u + 3 + 1 + 1 + (4 + 3 * 4 + 4 * 4 + 2 * 2 + 2 * 1 + 2 * 1) + (5 + 3 * 4 + 4 * 3 + 3 * 3) + 3);
}

struct ReferenceCase {
  std::string name;
  NequipSizes sizes;
};

void PrintTo(const ReferenceCase& test, std::ostream* stream) { *stream << test.name; }

class NequipReferenceTest : public testing::TestWithParam<ReferenceCase> {
 protected:
  NequipReferenceTest()
      : parameters(random_parameters(GetParam().sizes, 21)),
        frame(random_crystal(GetParam().sizes.species, 9, {6, 0, 0, 1.5, 5.2, 0, -0.7, 0.8, 5.5}, 4)) {}

  void expect_energies(const Frame& other) const {
    const std::vector<double> expected = reference_energies(parameters, frame);
    EXPECT_THAT(reference_energies(parameters, other), testing::Pointwise(testing::DoubleNear(1e-11), expected));
  }

  Parameters parameters;
  Frame frame;
};

TEST_P(NequipReferenceTest, EnergiesAreTheSameAfterRotation) { expect_energies(turned(rotation(0.77), frame)); }

// One layer sees lengths only.
TEST_P(NequipReferenceTest, EnergiesAreTheSameAfterInversionIfParitiesAreKept) {
  const NequipSizes& sizes = GetParam().sizes;
  const Frame inverted = turned(rotation(0.77, true), frame);
  if (sizes.odd_harmonics || sizes.edge_order == 0 || parameters.interactions.size() == 1)
    return expect_energies(inverted);
  EXPECT_GT(std::abs(reference_energy(parameters, inverted) - reference_energy(parameters, frame)), 1e-6);
}

TEST_P(NequipReferenceTest, OrderOfAtomsDoesNotMatter) {
  Frame other = frame;
  std::reverse(other.symbols.begin(), other.symbols.end());
  for (int i = 0; i < frame.atoms(); ++i)
    std::copy_n(&frame.positions[3 * i], 3, &other.positions[3 * (frame.atoms() - 1 - i)]);
  std::vector<double> expected = reference_energies(parameters, frame);
  std::reverse(expected.begin(), expected.end());
  EXPECT_THAT(reference_energies(parameters, other), testing::Pointwise(testing::DoubleNear(1e-11), expected));
}

TEST_P(NequipReferenceTest, AtomsMayStandInAnyImageOfTheCell) {
  Frame other = frame;
  for (int x = 0; x < 3; ++x) {
    other.positions[x] += 3 * frame.cell[x] - 2 * frame.cell[6 + x];
    other.positions[9 + x] -= 4 * frame.cell[3 + x];
  }
  expect_energies(other);
}

TEST_P(NequipReferenceTest, EnergiesAreOfOrderOneAndNotAllTheSame) {
  const std::vector<double> energies = reference_energies(parameters, frame);
  const auto [low, high] = std::minmax_element(energies.begin(), energies.end());
  EXPECT_GT(*high - *low, 1e-2);
  EXPECT_LT(*high - *low, 10);
}

TEST_P(NequipReferenceTest, InteractionGoesSmoothlyToZeroAtTheCutoff) {
  const std::vector<std::string>& species = GetParam().sizes.species;
  const auto dimer = [&](double r) {
    Frame pair;
    pair.symbols = {species.front(), species.back()};
    pair.positions = {0, 0, 0, 0.6 * r, 0, 0.8 * r};
    return reference_energy(parameters, pair);
  };
  const double rc = parameters.basis.cutoff;
  const double apart = dimer(rc + 1e-9);
  EXPECT_EQ(dimer(rc + 5), apart);
  EXPECT_NEAR(dimer(rc - 1e-4), apart, 1e-7);
  EXPECT_NEAR((dimer(rc - 1e-4) - dimer(rc - 2e-4)) / 1e-4, 0, 2e-3);
  EXPECT_GT(std::abs(dimer(0.6 * rc) - apart), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, NequipReferenceTest,
    testing::Values(
        ReferenceCase{"three_layers", {}},
        ReferenceCase{"no_parity_order_three",
                      {.edge_order = 3, .features = {"4x0e", "4x0e+3x1e+2x2e+2x3e", "4x0e+2x1e+3x2e+1x3e", "5x0e"}}},
        ReferenceCase{"both_parities",
                      {.odd_harmonics = true,
                       .features = {"4x0e", "4x0e+3x1o+2x2e", "4x0e+2x0o+2x1o+3x1e+1x2e+2x2o", "5x0e"},
                       .self_connection = SelfConnection::by_species,
                       .biases = true}},
        ReferenceCase{"both_parities_order_three",
                      {.edge_order = 3,
                       .odd_harmonics = true,
                       .features = {"3x0e", "3x0e+2x1o+2x2e+2x3o", "3x0e+2x0o+2x1o+3x1e+1x2e+2x2o+1x3e+2x3o", "5x0e"},
                       .unused_paths = true,
                       .sorted_paths = false}},
        ReferenceCase{"harmonics_not_normalised",
                      {.normalised_harmonics = false,
                       .cutoff_kind = CutoffKind::xplor,
                       .radial_activation = ActivationKind::shifted_softplus,
                       .self_connection = SelfConnection::none}},
        ReferenceCase{"one_layer", {.features = {"9x0e", "11x0e"}, .readout_activation = ActivationKind::tanh}},
        ReferenceCase{"scalars_only", {.edge_order = 0, .features = {"9x0e", "5x0e", "6x0e"}}},
        ReferenceCase{"one_species", {.species = {"Cu"}, .biases = true}}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace grapevine::test
