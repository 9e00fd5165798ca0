#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <ostream>

#include "models/reann/model.hpp"
#include "models/reann/trainable.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "training/prepared_frame.hpp"

namespace grapevine::test {
namespace {

using reann::ActivationKind;

struct Case {
  std::string name;
  ReannSizes sizes;
  bool shared_mixing = false;
};

void PrintTo(const Case& test, std::ostream* stream) { *stream << test.name; }

std::vector<Case> cases() {
  return {
      {"local", {.layers = 0}},
      {"one_layer_tanh", {.layers = 1, .activation = ActivationKind::tanh_like}},
      {"two_layers", {.layers = 2}},
      {"two_layers_shared_mixing", {.layers = 2}, true},
      {"three_layers", {.layers = 3}},
      {"three_layers_tanh_no_norm", {.layers = 3, .norm = false, .activation = ActivationKind::tanh_like}},
      {"eight_waves", {.waves = 8, .orbitals = 11, .layers = 1}},
      {"eleven_waves", {.waves = 11, .orbitals = 11, .layers = 1}},
      {"f_orbitals", {.waves = 8, .max_order = 3, .orbitals = 7, .layers = 1}},
      {"eleven_waves_f_orbitals", {.waves = 11, .max_order = 3, .orbitals = 7, .layers = 1}},
      {"g_orbitals", {.waves = 2, .max_order = 4, .orbitals = 3, .layers = 1}},
      {"s_only", {.max_order = 0, .layers = 1}},
      {"one_species", {.species = {"Cu"}, .layers = 1}},
      {"no_residual_block", {.layers = 1, .widths = {7}, .blocks = 0}},
  };
}

/// What enters the loss: weights of squares of energies per structure, forces and virials.
struct Weights {
  double energy, forces, virial;
};

struct Loss {
  double value = 0;
  LossSlopes slopes;
};

/// Sum over structures of squares of what the model says, less numbers that are as good as any.
Loss loss_of(GradientWorker& worker, const FrameBatch& batch, const Weights& weights) {
  const auto atoms = static_cast<std::size_t>(batch.own());
  std::vector<double> energies(atoms), forces(3 * atoms), virials(9 * atoms);
  Output output;
  output.energies = energies.data();
  output.forces = forces.data();
  output.atom_virials = virials.data();
  worker.evaluate(batch, output);
  Loss loss;
  loss.slopes = {std::vector<double>(atoms), std::vector<double>(3 * atoms), std::vector<double>(9 * atoms)};
  for (std::size_t f = 0; f < batch.frames().size(); ++f) {
    const auto begin = static_cast<std::size_t>(batch.first_atom(f));
    const auto end = static_cast<std::size_t>(batch.first_atom(f + 1));
    double energy = -0.3;
    std::array<double, 9> virial{0.1, 0, 0, 0, -0.2, 0, 0, 0, 0};
    for (std::size_t i = begin; i < end; ++i) {
      energy += energies[i];
      for (std::size_t n = 0; n < 9; ++n) virial[n] += virials[9 * i + n];
    }
    loss.value += weights.energy * energy * energy;
    for (const double v : virial) loss.value += weights.virial * v * v;
    for (std::size_t i = begin; i < end; ++i) {
      loss.slopes.energy[i] = 2 * weights.energy * energy;
      for (std::size_t n = 0; n < 9; ++n) loss.slopes.virial[9 * i + n] = 2 * weights.virial * virial[n];
    }
  }
  for (std::size_t n = 0; n < forces.size(); ++n) {
    const double off = forces[n] - 0.01 * static_cast<double>(n % 5);
    loss.value += weights.forces * off * off;
    loss.slopes.forces[n] = 2 * weights.forces * off;
  }
  return loss;
}

/// Another one for each network and orbital.
reann::InputScaling some_scaling(const reann::Parameters& parameters) {
  reann::InputScaling scaling;
  scaling.of.resize(static_cast<std::size_t>(parameters.layers) + 1);
  int n = 0;
  for (auto& pass : scaling.of) {
    pass.resize(parameters.species.size());
    for (auto& rho : pass)
      for (int m = 0; m < parameters.orbitals; ++m, ++n) {
        rho.mean.push_back(0.3 * (n % 5) - 0.5);
        rho.deviation.push_back(0.6 + 0.2 * (n % 7));
      }
  }
  return scaling;
}

class ReannGradientTest : public testing::TestWithParam<Case> {
 protected:
  ReannGradientTest() {
    const std::vector<std::string>& species = GetParam().sizes.species;
    const double cutoff = GetParam().sizes.cutoff;
    std::vector<LabelledFrame> frames(3);
    frames[0].frame = random_cluster(species, 19, 8.0, 3);
    frames[1].frame = random_cluster(species, 4, 4.0, 5);
    frames[1].frame.cell = {4.5, 0, 0, 0.4, 4.6, 0, 0, 0, 4.7};
    frames[1].frame.periodic = {true, true, true};
    frames[2].frame = random_cluster({species.back()}, 2, 5.0, 9);
    prepared = prepare_frames(frames, species, cutoff, 1);
    for (const PreparedFrame& frame : prepared) batch.add(frame);
  }

  std::unique_ptr<Trainable> trainable(bool in_double) const {
    reann::Parameters parameters = random_parameters(GetParam().sizes, 7);
    reann::InputScaling scaling = some_scaling(parameters);
    return reann::make_trainable(std::move(parameters), {GetParam().shared_mixing, in_double, std::move(scaling)});
  }

  std::vector<PreparedFrame> prepared;
  FrameBatch batch;
};

std::vector<double> gradient_of(const Trainable& model, const FrameBatch& batch, const Weights& weights) {
  std::vector<std::unique_ptr<GradientWorker>> workers;
  workers.push_back(model.make_worker());
  const Loss loss = loss_of(*workers.front(), batch, weights);
  workers.front()->clear();
  workers.front()->add_gradient(batch, loss.slopes);
  std::vector<double> gradient(model.weights().size());
  model.collect(workers, gradient);
  return gradient;
}

TEST_P(ReannGradientTest, GradientEqualsFiniteDifferencesForEveryKindOfParameter) {
  const auto model = trainable(true);
  const std::vector<double> weights = model->weights();
  for (const Weights& loss_weights : {Weights{1, 0, 0}, Weights{0, 1, 0}, Weights{0, 0, 1}, Weights{0.5, 2, 0.1}}) {
    model->set_weights(weights, 1);
    const std::vector<double> gradient = gradient_of(*model, batch, loss_weights);
    const double scale = std::sqrt(std::inner_product(gradient.begin(), gradient.end(), gradient.begin(), 0.0) /
                                   static_cast<double>(gradient.size()));
    ASSERT_GT(scale, 0);
    const auto worker = model->make_worker();
    const auto loss_at = [&](std::size_t n, double h) {
      std::vector<double> moved = weights;
      moved[n] += h;
      model->set_weights(moved, 1);
      return loss_of(*worker, batch, loss_weights).value;
    };
    std::size_t begin = 0;
    for (const ParameterPart& part : model->parts()) {
      for (const std::size_t n : {begin, begin + part.count() / 2}) {
        // Differences of fourth order.
        constexpr double h = 2e-4;
        const double slope =
            (8 * (loss_at(n, h) - loss_at(n, -h)) - (loss_at(n, 2 * h) - loss_at(n, -2 * h))) / (12 * h);
        EXPECT_NEAR(gradient[n], slope, 1e-6 * (scale + std::abs(slope))) << part.name << "[" << n - begin << "]";
      }
      begin += part.count();
    }
    EXPECT_EQ(begin, weights.size());
  }
}

TEST_P(ReannGradientTest, FloatAgreesWithDouble) {
  const Weights loss_weights{0.5, 2, 0.1};
  const std::vector<double> exact = gradient_of(*trainable(true), batch, loss_weights);
  const std::vector<double> fast = gradient_of(*trainable(false), batch, loss_weights);
  double square = 0, difference = 0;
  for (std::size_t n = 0; n < exact.size(); ++n) {
    square += exact[n] * exact[n];
    difference += (fast[n] - exact[n]) * (fast[n] - exact[n]);
  }
  EXPECT_LT(std::sqrt(difference / square), 1e-4);
}

TEST_P(ReannGradientTest, WorkersShareTheWork) {
  const auto model = trainable(true);
  const Weights loss_weights{0.5, 2, 0.1};
  const std::vector<double> together = gradient_of(*model, batch, loss_weights);
  std::vector<std::unique_ptr<GradientWorker>> workers;
  for (const PreparedFrame& frame : prepared) {
    FrameBatch one;
    one.add(frame);
    workers.push_back(model->make_worker());
    workers.back()->clear();
    // Forces of the loss depend on the number of the atom: no forces here.
    const Loss loss = loss_of(*workers.back(), one, {0.5, 0, 0.1});
    workers.back()->add_gradient(one, loss.slopes);
  }
  std::vector<double> apart(together.size());
  model->collect(workers, apart);
  const std::vector<double> expected = gradient_of(*model, batch, {0.5, 0, 0.1});
  for (std::size_t n = 0; n < apart.size(); ++n)
    EXPECT_NEAR(apart[n], expected[n], 1e-10 * (1 + std::abs(expected[n]))) << n;
}

TEST_P(ReannGradientTest, WeightsComeBackAndThePotentialIsThatOfTheWeights) {
  const auto model = trainable(true);
  std::vector<double> weights = model->weights();
  for (std::size_t n = 0; n < weights.size(); ++n) weights[n] += 1e-3 * static_cast<double>(n % 7);
  model->set_weights(weights, 1);
  const std::vector<double> back = model->weights();
  for (std::size_t n = 0; n < weights.size(); ++n) ASSERT_NEAR(back[n], weights[n], 1e-14);
  const Frame frame = random_cluster(GetParam().sizes.species, 19, 8.0, 3);
  const FrameResult expected = FrameEvaluator(*model->potential(), Precision::double_precision, 1).evaluate(frame);
  FrameBatch one;
  one.add(prepared.front());
  std::vector<double> forces(3 * static_cast<std::size_t>(one.own()));
  Output output;
  output.forces = forces.data();
  model->make_worker()->evaluate(one, output);
  EXPECT_NEAR(output.energy, expected.energy, 1e-10);
  for (std::size_t n = 0; n < forces.size(); ++n) EXPECT_NEAR(forces[n], expected.forces[n], 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ReannGradientTest, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace grapevine::test
