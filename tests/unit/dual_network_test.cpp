#include "models/equivariant/training/dual_network-inl.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "dual_blocks.hpp"
#include "equivariant_random.hpp"
#include "models/equivariant/training/dual_readout-inl.hpp"

namespace grapevine::equivariant {
namespace {

using namespace HWY_NAMESPACE;
using test::NumbersOfBlock;
using test::Random;
using Vector = std::vector<double>;
using Layers = std::vector<Dense>;

/// Numbers and how they change.
struct Dual {
  Vector value, change;
};

/// A network of one row, by the chain rule.
Dual outputs_of(const Layers& layers, const Activation& activation, Dual x) {
  for (std::size_t n = 0; n < layers.size(); ++n) {
    const Dense& dense = layers[n];
    Dual y{dense.bias, {}};
    y.value.resize(static_cast<std::size_t>(dense.outputs));
    y.change.resize(static_cast<std::size_t>(dense.outputs));
    for (int i = 0; i < dense.inputs; ++i)
      for (int o = 0; o < dense.outputs; ++o) {
        y.value[o] += x.value[i] * dense.weight[i * dense.outputs + o];
        y.change[o] += x.change[i] * dense.weight[i * dense.outputs + o];
      }
    if (n + 1 < layers.size())
      for (int o = 0; o < dense.outputs; ++o) {
        y.change[o] *= activation.slope(y.value[o]);
        y.value[o] = activation.value(y.value[o]);
      }
    x = y;
  }
  return x;
}

Vector sum_of(Vector a, double factor, const Vector& b) {
  for (std::size_t n = 0; n < a.size(); ++n) a[n] += factor * b[n];
  return a;
}

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t n = 0; n < a.size(); ++n) sum += a[n] * b[n];
  return sum;
}

Layers zeros_like(Layers layers) {
  for (Dense& dense : layers) {
    std::fill(dense.weight.begin(), dense.weight.end(), 0.0);
    std::fill(dense.bias.begin(), dense.bias.end(), 0.0);
  }
  return layers;
}

/// `slopes` against differences of `loss` by every one of the numbers that it depends on.
template <class Loss>
void expect_slopes(Vector& numbers, const Vector& slopes, double accuracy, const Loss& loss) {
  ASSERT_EQ(numbers.size(), slopes.size());
  double largest = 1;
  for (const double slope : slopes) largest = std::max(largest, std::abs(slope));
  for (std::size_t n = 0; n < numbers.size(); ++n) {
    const double before = numbers[n];
    const double expected = test::slope_of_number([&](double step) {
      numbers[n] = before + step;
      return loss();
    });
    numbers[n] = before;
    EXPECT_NEAR(slopes[n], expected, accuracy * largest) << "number " << n;
  }
}

/// The same by every number of the layers.
template <class Loss>
void expect_gradient(Layers layers, const Layers& gradient, double accuracy, const Loss& loss) {
  for (std::size_t n = 0; n < layers.size(); ++n) {
    SCOPED_TRACE(n);
    expect_slopes(layers[n].weight, gradient[n].weight, accuracy, [&] { return loss(layers); });
    expect_slopes(layers[n].bias, gradient[n].bias, accuracy, [&] { return loss(layers); });
  }
}

struct NetworkCase {
  int inputs;
  std::vector<int> widths;
  int outputs;
  bool biases;
  ActivationKind activation;
  int rows;
};

/// Random numbers for some rows, with zero in the padding.
template <class Real>
simd::AlignedVector<Real> padded_rows(const std::vector<Vector>& rows, int row) {
  simd::AlignedVector<Real> numbers(rows.size() * row, Real(0));
  for (std::size_t n = 0; n < rows.size(); ++n)
    for (std::size_t i = 0; i < rows[n].size(); ++i) numbers[n * row + i] = static_cast<Real>(rows[n][i]);
  return numbers;
}

class DualNetworkTest : public testing::TestWithParam<NetworkCase> {
 protected:
  DualNetworkTest() {
    const NetworkCase& c = GetParam();
    layers = test::random_layers(c.inputs, c.widths, c.outputs, c.biases, random);
    activation = test::scaled_activation(c.activation);
    for (int n = 0; n < 2 * c.rows; ++n) x.push_back(random(c.inputs, -1.5, 1.5));
    for (int n = 0; n < 2 * c.rows; ++n) seed.push_back(random(c.outputs, -1, 1));
  }

  int rows() const { return GetParam().rows; }
  Dual y(const Layers& of, int row, double step = 0) const {
    return outputs_of(of, activation, {sum_of(x[row], step, x[rows() + row]), x[rows() + row]});
  }
  /// A loss whose gradient by values and changes of y are the seeds: those by values are changes of dE/dy.
  double loss(const Layers& of) const {
    double sum = 0;
    for (int row = 0; row < rows(); ++row) {
      const Dual numbers = y(of, row);
      sum += dot(seed[rows() + row], numbers.value) + dot(seed[row], numbers.change);
    }
    return sum;
  }

  Random random{7};
  Layers layers;
  Activation activation;
  std::vector<Vector> x, seed;  // [2 * rows] values, then changes
};

TEST_P(DualNetworkTest, HasTheValuesChangesAndGradientsOfTheNetwork) {
  const DualNetwork<double> network(layers, activation);
  const auto from = padded_rows<double>(x, network.inputs());
  DualNetwork<double>::Tape tape;
  network.forward(rows(), from.data(), tape);
  for (int row = 0; row < rows(); ++row) {
    for (int o = 0; o < GetParam().outputs; ++o) {
      EXPECT_NEAR(tape.y()[row * network.outputs() + o], y(layers, row).value[o], 1e-12);
      EXPECT_NEAR(tape.y()[(rows() + row) * network.outputs() + o],
                  test::slope_of_number([&](double step) { return y(layers, row, step).value[o]; }), 1e-8);
    }
  }

  const auto dy = padded_rows<double>(seed, network.outputs());
  simd::AlignedVector<double> dx(from.size());
  DualNetwork<double>::Gradient gradient(layers), half(layers);
  network.backward(rows(), dy.data(), tape, gradient, nullptr);
  gradient.clear();
  network.backward(rows(), dy.data(), tape, gradient, dx.data());
  half.add(gradient);
  Layers sums = zeros_like(layers);
  half.add_to(sums);
  expect_gradient(layers, sums, 1e-8, [&](const Layers& of) { return loss(of); });

  for (int n = 0; n < 2 * rows(); ++n) {
    SCOPED_TRACE(n);
    const double* d = dx.data() + (n < rows() ? rows() + n : n - rows()) * network.inputs();
    expect_slopes(x[n], Vector(d, d + GetParam().inputs), 1e-8, [&] { return loss(layers); });
  }
}

TEST_P(DualNetworkTest, IsTheSameInFloat) {
  const DualNetwork<double> exact(layers, activation);
  DualNetwork<float> rounded(zeros_like(layers), activation);
  rounded.assign(layers);
  const auto run = [&]<class Real>(const DualNetwork<Real>& network) {
    const auto from = padded_rows<Real>(x, network.inputs());
    const auto dy = padded_rows<Real>(seed, network.outputs());
    simd::AlignedVector<Real> dx(from.size());
    typename DualNetwork<Real>::Tape tape;
    typename DualNetwork<Real>::Gradient gradient(layers);
    network.forward(rows(), from.data(), tape);
    network.backward(rows(), dy.data(), tape, gradient, dx.data());
    Layers sums = zeros_like(layers);
    gradient.add_to(sums);
    return sums;
  };
  const Layers expected = run(exact);
  const Layers sums = run(rounded);
  for (std::size_t n = 0; n < sums.size(); ++n)
    for (std::size_t k = 0; k < sums[n].weight.size(); ++k) EXPECT_NEAR(sums[n].weight[k], expected[n].weight[k], 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Shapes, DualNetworkTest,
                         testing::Values(NetworkCase{8, {16, 12}, 20, false, ActivationKind::silu, 13},
                                         NetworkCase{5, {7}, 33, true, ActivationKind::tanh, 3},
                                         NetworkCase{17, {18, 9, 5}, 1, true, ActivationKind::gelu, 2},
                                         NetworkCase{3, {}, 4, true, ActivationKind::silu, 5}));

/// Energies and gradients of a readout on a block of atoms.
class ReadoutTest : public testing::Test {
 protected:
  const IrrepsList irreps = {{5, 0, 1}, {3, 1, -1}, {2, 0, -1}, {17, 0, 1}};
  const int atoms = 3;
  Random random{5};
  const NumbersOfBlock value = test::random_block(Layout(irreps), atoms, random);
  const NumbersOfBlock change = test::random_block(Layout(irreps), atoms, random);
  const NumbersOfBlock x = test::with_changes(value, change);
  const Vector seed = random(atoms, -1, 1);
  const Vector seed_change = random(atoms, -1, 1);

  static Vector scalars(const NumbersOfBlock& of, int atom) {
    Vector all;
    for (const int i : {0, 3})
      for (int c = 0; c < of.layout.irreps()[i].channels; ++c) all.push_back(of.of(i)[atom * of.layout.size(i) + c]);
    return all;
  }

  static Dual scalars(const NumbersOfBlock& values, const NumbersOfBlock& changes, int atom) {
    return {scalars(values, atom), scalars(changes, atom)};
  }

  template <class Energy>
  double loss(const NumbersOfBlock& values, const NumbersOfBlock& changes, const Energy& energy) const {
    double sum = 0;
    for (int a = 0; a < atoms; ++a) {
      const Dual e = energy(scalars(values, changes, a));
      sum += seed_change[a] * e.value[0] + seed[a] * e.change[0];
    }
    return sum;
  }

  template <class Energy>
  void expect_energies(const Vector& energies, const Energy& energy) const {
    for (int a = 0; a < atoms; ++a) {
      const Dual expected = energy(scalars(value, change, a));
      EXPECT_NEAR(energies[2 * a], expected.value[0], 1e-12);
      EXPECT_NEAR(energies[2 * a + 1], expected.change[0], 1e-12);
    }
  }

  /// dx has to be `before` and the gradient, in the padding and elsewhere.
  template <class Energy>
  void expect_gradient_of_features(const NumbersOfBlock& dx, const NumbersOfBlock& before, const Energy& energy) const {
    for (int plane = 0; plane < 2; ++plane) {
      const NumbersOfBlock d = test::plane_of(dx, plane);
      const NumbersOfBlock added_to = test::plane_of(before, plane);
      for (std::size_t n = 0; n < d.numbers.size(); ++n) {
        const double expected = test::slope_of_number([&](double step) {
          NumbersOfBlock values = value, changes = change;
          (plane == 0 ? changes : values).numbers[n] += step;
          return loss(values, changes, energy);
        });
        EXPECT_NEAR(d.numbers[n] - added_to.numbers[n], expected, 1e-8) << plane << ", " << n;
      }
    }
  }
};

TEST_F(ReadoutTest, NetworkHasItsEnergiesAndGradients) {
  const Layers layers = test::random_layers(22, {9, 4}, 1, true, random);
  const Activation activation = test::scaled_activation(ActivationKind::silu);
  const auto energy_by = [&](const Layers& of) {
    return [&](const Dual& all) { return outputs_of(of, activation, all); };
  };
  DualReadout<double> readout(zeros_like(layers), activation, Layout(irreps));
  readout.assign(layers);
  DualReadout<double>::Scratch scratch;
  DualReadout<double>::Gradient gradient(layers);
  Vector energies(2 * atoms);
  readout.forward(atoms, x.features(), scratch, energies.data());
  expect_energies(energies, energy_by(layers));

  const NumbersOfBlock before = test::random_block(Layout(irreps), 2 * atoms, random);
  NumbersOfBlock dx = before;
  readout.backward(atoms, seed.data(), seed_change.data(), scratch, gradient, dx.features());
  expect_gradient_of_features(dx, before, energy_by(layers));
  Layers sums = zeros_like(layers);
  gradient.add_to(sums);
  expect_gradient(layers, sums, 1e-8, [&](const Layers& of) { return loss(value, change, energy_by(of)); });
}

TEST_F(ReadoutTest, LinearOneHasItsEnergiesAndGradients) {
  Vector weight = random(22, -1, 1);
  const auto energy_by = [](const Vector& of) {
    return [&of](const Dual& all) { return Dual{{dot(of, all.value)}, {dot(of, all.change)}}; };
  };
  const DualLinearReadout<double> readout(irreps, weight);
  DualLinearReadout<double>::Gradient gradient(readout), sum(readout);
  Vector energies(2 * atoms);
  readout.forward(atoms, x.features(), energies.data());
  expect_energies(energies, energy_by(weight));

  const NumbersOfBlock before = test::random_block(Layout(irreps), 2 * atoms, random);
  NumbersOfBlock dx = before;
  readout.backward(atoms, seed.data(), seed_change.data(), x.features(), gradient, dx.features());
  expect_gradient_of_features(dx, before, energy_by(weight));
  sum.add(gradient);
  Vector by_weight(weight.size());
  sum.add_to(by_weight);
  expect_slopes(weight, by_weight, 1e-8, [&] { return loss(value, change, energy_by(weight)); });
}

TEST_F(ReadoutTest, OfNoWeightsGivesNothing) {
  const DualLinearReadout<double> readout(irreps, {});
  DualLinearReadout<double>::Gradient gradient(readout);
  Vector energies(2 * atoms, 1.0);
  readout.forward(atoms, x.features(), energies.data());
  EXPECT_EQ(energies, Vector(2 * atoms, 0.0));
  NumbersOfBlock dx = x;
  readout.backward(atoms, seed.data(), seed_change.data(), x.features(), gradient, dx.features());
  EXPECT_EQ(dx.numbers, x.numbers);
  Vector none;
  gradient.add_to(none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace grapevine::equivariant
