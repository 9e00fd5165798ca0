#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dual_blocks.hpp"
#include "equivariant_random.hpp"
#include "models/equivariant/gate-inl.hpp"

namespace grapevine::equivariant {
namespace {

using namespace HWY_NAMESPACE;
using test::NumbersOfBlock;
using test::Random;

constexpr ActivationKind every_kind[] = {
    ActivationKind::identity, ActivationKind::silu,    ActivationKind::tanh, ActivationKind::relu,
    ActivationKind::abs,      ActivationKind::sigmoid, ActivationKind::elu,  ActivationKind::shifted_softplus,
    ActivationKind::softplus, ActivationKind::mish,    ActivationKind::gelu};

TEST(Activation, HasTheCurvatureThatItsSlopeSays) {
  for (const ActivationKind kind : every_kind) {
    SCOPED_TRACE(activation_name(kind));
    const Activation activation{kind, 1.7};
    for (const double x : {-40.0, -3.1, -0.7, 0.2, 1.4, 5.0, 30.0}) {
      const double expected = test::slope_of_number([&](double step) { return activation.slope(x + step); });
      EXPECT_NEAR(activation.curvature(x), expected, 1e-9) << x;
    }
  }
}

template <class Real>
void expect_changes_of_activations(double accuracy) {
  constexpr int lanes = Line<Real>::lanes;
  Random random(3);
  for (const ActivationKind kind : every_kind) {
    SCOPED_TRACE(activation_name(kind));
    const Activation activation{kind, -0.6};
    Real x[2 * lanes], value[2 * lanes], slope[2 * lanes];
    for (Real& number : x) number = static_cast<Real>(random(-4, 4));
    using J = Line<Changing<Real, 1>>;
    J values, slopes;
    activate_with_changes(activation, load_planes<J>(x, lanes), values, slopes);
    store_planes(values, value, lanes);
    store_planes(slopes, slope, lanes);
    for (int n = 0; n < lanes; ++n) {
      const double at = static_cast<double>(x[n]);
      const double change = static_cast<double>(x[lanes + n]);
      EXPECT_NEAR(value[n], activation.value(at), accuracy);
      EXPECT_NEAR(slope[n], activation.slope(at), accuracy);
      EXPECT_NEAR(value[lanes + n], activation.slope(at) * change, accuracy);
      EXPECT_NEAR(slope[lanes + n], activation.curvature(at) * change, accuracy);
    }
  }
}

TEST(Activation, IsTheSameWithItsChanges) {
  expect_changes_of_activations<double>(1e-13);
  expect_changes_of_activations<float>(1e-5);
}

Gate gate_with(ActivationKind scalar, ActivationKind gating) {
  return {{{5, 0, 1}, {18, 0, -1}},
          {{scalar, 1.3}, {ActivationKind::tanh, 1}},
          {{3, 1, 1}, {17, 2, -1}},
          {{gating, 0.9}, {ActivationKind::silu, 1.6}},
          1};
}

struct GateCase {
  GateKernel<double> kernel;
  Layout inputs, outputs;

  explicit GateCase(const Gate& gate) : kernel(gate), inputs(gate.inputs()), outputs(gate.outputs()) {}

  NumbersOfBlock forward(const NumbersOfBlock& z) const {
    NumbersOfBlock x(outputs, z.atoms);
    kernel.forward(z.atoms, z.features(), x.features());
    return x;
  }
  NumbersOfBlock backward(const NumbersOfBlock& z, const NumbersOfBlock& dx) const {
    NumbersOfBlock dz(inputs, z.atoms);
    kernel.backward(z.atoms, z.features(), dx.features(), dz.features());
    return dz;
  }
};

TEST(GateBackward, IsTheGradientAndCarriesChanges) {
  Random random(11);
  for (const ActivationKind kind : every_kind) {
    SCOPED_TRACE(activation_name(kind));
    const GateCase gate(gate_with(kind, kind));
    const int atoms = 3;
    const NumbersOfBlock z = random_block(gate.inputs, atoms, random);
    const NumbersOfBlock z_change = random_block(gate.inputs, atoms, random);
    const NumbersOfBlock dx = random_block(gate.outputs, atoms, random);
    const NumbersOfBlock dx_change = random_block(gate.outputs, atoms, random);
    const NumbersOfBlock dz = gate.backward(z, dx);
    EXPECT_NEAR(dot(dz, z_change),
                test::slope_of_number([&](double step) { return dot(dx, gate.forward(moved(z, step, z_change))); }),
                1e-7);

    NumbersOfBlock both(gate.inputs, 2 * atoms);
    gate.kernel.backward<1>(atoms, with_changes(z, z_change).features(), with_changes(dx, dx_change).features(),
                            both.features());
    EXPECT_LT(greatest_difference(plane_of(both, 0), dz), 1e-14);
    const NumbersOfBlock expected = test::slope_of(
        [&](double step) { return gate.backward(moved(z, step, z_change), moved(dx, step, dx_change)); });
    EXPECT_LT(greatest_difference(plane_of(both, 1), expected), 1e-8);
  }
}

}  // namespace
}  // namespace grapevine::equivariant
