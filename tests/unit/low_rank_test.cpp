#include "training/optimisers/low_rank.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "mace_random.hpp"
#include "models/mace/training/trainable.hpp"
#include "models/reann/trainable.hpp"
#include "parallel/alone.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "test_files.hpp"
#include "training/losses/batch_gradient.hpp"

namespace grapevine {
namespace {

using ::testing::HasSubstr;

constexpr int rank = 2;

std::unique_ptr<Trainable> reann_model() {
  const test::ReannSizes sizes{.cutoff = 4.0, .waves = 4, .max_order = 1, .orbitals = 6, .layers = 1, .widths = {5, 6}};
  return reann::make_trainable(test::random_parameters(sizes, 3), {false, true, {}});
}

std::unique_ptr<Trainable> mace_model() {
  return mace::make_trainable(test::random_parameters(test::MaceSizes{}, 3), {}, true);
}

/// Clusters whose references are arbitrary.
std::vector<PreparedFrame> clusters(const Trainable& model) {
  std::vector<LabelledFrame> frames;
  for (unsigned n = 0; n < 3; ++n) {
    LabelledFrame& frame = frames.emplace_back();
    frame.frame = test::random_cluster(model.species(), 7, 6.5, 40 + n);
    frame.reference.energy = 1.5 * n;
    frame.reference.forces = std::vector<double>(21, 0.1 * n);
  }
  return prepare_frames(frames, model.species(), model.cutoff(), 1);
}

double energy_of(const Trainable& model) {
  const Frame frame = test::random_cluster(model.species(), 9, 6.5, 7);
  return FrameEvaluator(*model.potential(), Precision::double_precision, 1).evaluate(frame).energy;
}

/// Compares the gradient by some weights of each part with differences of the loss.
void expect_gradient_of_differences(Trainable& model) {
  std::vector<double> weights = model.weights();
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += 0.1 * std::sin(static_cast<double>(3 * i + 1));
  model.set_weights(weights, 1);
  const std::vector<PreparedFrame> frames = clusters(model);
  const std::vector<const PreparedFrame*> batch{&frames[0], &frames[1], &frames[2]};
  Alone alone;
  BatchGradient batch_gradient(model, 1, alone);
  std::vector<double> gradient(weights.size(), 0.0);
  batch_gradient.add_gradient(batch, {}, gradient);
  const auto loss_at = [&](std::size_t i, double step) {
    std::vector<double> moved = weights;
    moved[i] += step;
    model.set_weights(moved, 1);
    return batch_gradient.evaluate(batch, {}).loss;
  };
  const double largest = std::abs(*std::max_element(gradient.begin(), gradient.end(),
                                                    [](double a, double b) { return std::abs(a) < std::abs(b); }));
  std::size_t begin = 0;
  for (const ParameterPart& part : model.parts()) {
    for (const std::size_t i : {begin, begin + part.count() / 2, begin + part.count() - 1}) {
      constexpr double step = 1e-5;
      const double slope = (loss_at(i, step) - loss_at(i, -step)) / (2 * step);
      EXPECT_NEAR(gradient[i], slope, 1e-6 * std::abs(slope) + 1e-8 * largest) << part.name;
    }
    begin += part.count();
  }
  EXPECT_EQ(begin, weights.size());
}

TEST(LowRank, GradientIsThatOfDifferences) {
  expect_gradient_of_differences(*make_low_rank(reann_model(), rank, 1));
  expect_gradient_of_differences(*make_low_rank(mace_model(), rank, 1));
}

TEST(LowRank, StartsAsTheModelThatItChanges) {
  for (auto make : {reann_model, mace_model}) {
    const auto whole = make();
    const auto model = make_low_rank(make(), rank, 1);
    EXPECT_EQ(energy_of(*model), energy_of(*whole));
    whole->set_weights(whole->weights(), 1);
    model->set_weights(model->weights(), 1);
    EXPECT_EQ(energy_of(*model), energy_of(*whole));
  }
}

TEST(LowRank, LargeMatricesAreThinAndVectorsAreNoWeights) {
  const auto whole = reann_model();
  const auto model = make_low_rank(reann_model(), rank, 1);
  std::size_t large = 0;
  std::size_t vectors = 0;
  for (const ParameterPart& part : whole->parts()) {
    large += part.rows > rank && part.columns > rank;
    vectors += part.rows == 1 || part.columns == 1;
  }
  EXPECT_EQ(model->parts().size(), whole->parts().size() + large - vectors);
  EXPECT_LT(model->weights().size(), whole->weights().size());
  for (const ParameterPart& part : model->parts()) {
    EXPECT_LE(std::min(part.rows, part.columns), static_cast<std::size_t>(rank)) << part.name;
    EXPECT_GT(part.rows, 1u) << part.name;
    EXPECT_GT(part.columns, 1u) << part.name;
  }
}

TEST(LowRank, SeedDecidesTheBeginning) {
  EXPECT_EQ(make_low_rank(reann_model(), rank, 1)->weights(), make_low_rank(reann_model(), rank, 1)->weights());
  EXPECT_NE(make_low_rank(reann_model(), rank, 1)->weights(), make_low_rank(reann_model(), rank, 2)->weights());
}

TEST(LowRank, RanksThatLimitNothingAreRefused) {
  EXPECT_THAT(test::error_of([] { make_low_rank(reann_model(), 100, 1); }),
              HasSubstr("low_rank is 100, and no matrix of the model is larger in both directions"));
}

}  // namespace
}  // namespace grapevine
