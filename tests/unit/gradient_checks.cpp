#include "gradient_checks.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numeric>

#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"

namespace grapevine::test {
namespace {

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
  worker.evaluate(batch, output, 1);
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

std::vector<double> gradient_of(const Trainable& model, const FrameBatch& batch, const Weights& weights) {
  std::vector<std::unique_ptr<GradientWorker>> workers;
  workers.push_back(model.make_worker());
  const Loss loss = loss_of(*workers.front(), batch, weights);
  workers.front()->clear();
  workers.front()->add_gradient(batch, loss.slopes, {});
  std::vector<double> gradient(model.weights().size());
  model.collect(workers, gradient);
  return gradient;
}

double direction(std::size_t n) { return std::cos(1 + 2.4 * static_cast<double>(n)); }

double norm_of(const std::vector<double>& values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

constexpr Weights all_of_them{0.5, 2, 0.1};

}  // namespace

GradientBatch::GradientBatch(const std::vector<std::string>& species, double cutoff) {
  std::vector<LabelledFrame> frames(3);
  frames[0].frame = random_cluster(species, 19, 8.0, 3);
  frames[1].frame = random_cluster(species, 4, 4.0, 5);
  frames[1].frame.cell = {4.5, 0, 0, 0.4, 4.6, 0, 0, 0, 4.7};
  frames[1].frame.periodic = {true, true, true};
  frames[2].frame = random_cluster({species.back()}, 2, 5.0, 9);
  prepared = prepare_frames(frames, species, cutoff, 1);
  for (const PreparedFrame& frame : prepared) batch.add(frame);
  first = frames[0].frame;
}

void expect_gradient_equals_differences(Trainable& model, const GradientBatch& data) {
  const std::vector<double> weights = model.weights();
  for (const Weights& loss_weights : {Weights{1, 0, 0}, Weights{0, 1, 0}, Weights{0, 0, 1}, all_of_them}) {
    model.set_weights(weights, 1);
    const std::vector<double> gradient = gradient_of(model, data.batch, loss_weights);
    const double scale = norm_of(gradient) / std::sqrt(static_cast<double>(gradient.size()));
    ASSERT_GT(scale, 0);
    const auto worker = model.make_worker();
    // Along a direction in the weights of a part, all of which count.
    const auto loss_at = [&](std::size_t begin, std::size_t count, double h) {
      std::vector<double> moved = weights;
      for (std::size_t n = 0; n < count; ++n) moved[begin + n] += h * direction(n);
      model.set_weights(moved, 1);
      return loss_of(*worker, data.batch, loss_weights).value;
    };
    std::size_t begin = 0;
    for (const ParameterPart& part : model.parts()) {
      const std::size_t count = part.count();
      double along = 0;
      double square = 0;
      for (std::size_t n = 0; n < count; ++n) {
        along += gradient[begin + n] * direction(n);
        square += direction(n) * direction(n);
      }
      // Differences of fourth order.
      const double h = 2e-4 / std::sqrt(square);
      const double slope = (8 * (loss_at(begin, count, h) - loss_at(begin, count, -h)) -
                            (loss_at(begin, count, 2 * h) - loss_at(begin, count, -2 * h))) /
                           (12 * h);
      EXPECT_NEAR(along, slope, 1e-6 * (scale * std::sqrt(square) + std::abs(slope))) << part.name;
      begin += count;
    }
    EXPECT_EQ(begin, weights.size());
  }
}

void expect_float_agrees_with_double(const Trainable& in_double, const Trainable& in_float, const GradientBatch& data) {
  const std::vector<double> exact = gradient_of(in_double, data.batch, all_of_them);
  std::vector<double> difference = gradient_of(in_float, data.batch, all_of_them);
  for (std::size_t n = 0; n < exact.size(); ++n) difference[n] -= exact[n];
  EXPECT_LT(norm_of(difference), 1e-4 * norm_of(exact));
}

void expect_workers_share_the_work(const Trainable& model, const GradientBatch& data) {
  // Forces of the loss depend on the number of the atom: no forces here.
  constexpr Weights without_forces{0.5, 0, 0.1};
  std::vector<std::unique_ptr<GradientWorker>> workers;
  for (const PreparedFrame& frame : data.prepared) {
    FrameBatch one;
    one.add(frame);
    workers.push_back(model.make_worker());
    workers.back()->clear();
    const Loss loss = loss_of(*workers.back(), one, without_forces);
    workers.back()->add_gradient(one, loss.slopes, {});
  }
  const std::vector<double> expected = gradient_of(model, data.batch, without_forces);
  std::vector<double> apart(expected.size());
  model.collect(workers, apart);
  for (std::size_t n = 0; n < apart.size(); ++n)
    EXPECT_NEAR(apart[n], expected[n], 1e-10 * (1 + std::abs(expected[n]))) << n;
}

void expect_helpers_share_the_work(const Trainable& model, const GradientBatch& data) {
  const std::vector<double> expected = gradient_of(model, data.batch, all_of_them);
  std::vector<std::unique_ptr<GradientWorker>> workers;
  for (int n = 0; n < 3; ++n) {
    workers.push_back(model.make_worker());
    workers.back()->clear();
  }
  const Loss loss = loss_of(*workers.front(), data.batch, all_of_them);
  workers.front()->add_gradient(data.batch, loss.slopes, std::vector{workers[1].get(), workers[2].get()});
  std::vector<double> together(expected.size());
  model.collect(workers, together);
  for (std::size_t n = 0; n < together.size(); ++n)
    EXPECT_NEAR(together[n], expected[n], 1e-10 * (1 + std::abs(expected[n]))) << n;
}

void expect_weights_come_back(Trainable& model, const GradientBatch& data, double tolerance) {
  std::vector<double> weights = model.weights();
  for (std::size_t n = 0; n < weights.size(); ++n) weights[n] += 1e-3 * static_cast<double>(n % 7);
  model.set_weights(weights, 1);
  const std::vector<double> back = model.weights();
  for (std::size_t n = 0; n < weights.size(); ++n) ASSERT_NEAR(back[n], weights[n], 1e-13);
  const FrameResult expected = FrameEvaluator(*model.potential(), Precision::double_precision, 1).evaluate(data.first);
  FrameBatch one;
  one.add(data.prepared.front());
  std::vector<double> forces(3 * static_cast<std::size_t>(one.own()));
  Output output;
  output.forces = forces.data();
  model.make_worker()->evaluate(one, output, 1);
  EXPECT_NEAR(output.energy, expected.energy, tolerance);
  for (std::size_t n = 0; n < forces.size(); ++n) EXPECT_NEAR(forces[n], expected.forces[n], 10 * tolerance);
}

}  // namespace grapevine::test
