#include <gmock/gmock.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "formats/model_files/safetensors.hpp"
#include "models/reann/file.hpp"
#include "models/reann/model.hpp"
#include "models/reann/trainable.hpp"
#include "parallel/alone.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "test_files.hpp"
#include "training/data/training_data.hpp"
#include "training/options/option_table.hpp"
#include "training/run/initial_model.hpp"
#include "training/run/replay.hpp"
#include "training/run/trainer.hpp"

namespace grapevine::test {
namespace {

using ::testing::HasSubstr;

const std::map<std::string, double> new_theory = {{"Ni", 7}, {"O", -3}};  // eV, beyond the start's

class Monitor final : public TrainingMonitor {
 public:
  explicit Monitor(int stop_after_questions) : questions_left_(stop_after_questions) {}

  void data_read(const DataReport& /*report*/) override {}
  void model_starts(int, int, const std::filesystem::path&, int) override {}
  void epoch_done(const EpochRecord& record, int, double) override { epochs.push_back(record); }
  void stopped_early(int, int) override {}
  void model_done(const std::vector<SetResult>& sets, const std::filesystem::path&) override { judged = sets; }
  bool stop_requested() override { return questions_left_ >= 0 && questions_left_-- == 0; }

  std::vector<EpochRecord> epochs;
  std::vector<SetResult> judged;

 private:
  int questions_left_;
};

/// A model of random weights, structures of its own and some of another level of theory.
class FineTuning : public testing::Test {
 protected:
  FineTuning() {
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const ReannSizes sizes{
        .cutoff = 4.0, .waves = 4, .max_order = 1, .orbitals = 6, .layers = 1, .widths = {5, 5}, .norm = false};
    const reann::Parameters parameters = random_parameters(sizes, 3);
    reann::write_model(folder / "start.safetensors", parameters, {});
    const reann::ReannPotential potential(parameters);
    FrameEvaluator evaluator(potential, Precision::double_precision, 1);
    std::vector<Frame> old, now;
    for (unsigned n = 0; n < 20; ++n) {
      Frame frame = random_cluster(sizes.species, 8 + static_cast<int>(n) % 5, 6.5, 100 + n);
      const FrameResult result = evaluator.evaluate(frame);
      double energy = result.energy;
      std::vector<double> forces = result.forces;
      if (n >= 8) {
        for (const std::string& symbol : frame.symbols) energy += new_theory.at(symbol);
        for (double& force : forces) force *= 1.3;
      }
      frame.columns.push_back({"forces", 3, forces});
      frame.info.emplace_back("energy", fmt::format("{}", energy));
      (n < 8 ? old : now).push_back(frame);
    }
    write("replay.extxyz", old);
    write("train.extxyz", now);
    for (Frame& frame : old) frame.info.clear(), frame.columns.clear();
    write("bare.extxyz", old);
    options.data.train = {folder / "train.extxyz"};
    options.replay.files = {folder / "replay.extxyz"};
    options.start = folder / "start.safetensors";
    options.output = folder / "tuned.safetensors";
    options.optimiser.epochs = 4;
    options.optimiser.batch_frames = 5;
    options.optimiser.learning_rate = 1e-3;
    options.threads = 1;
    options.in_double = true;
  }
  ~FineTuning() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::vector<Frame>& frames) const {
    std::ofstream stream(folder / name);
    for (const Frame& frame : frames) write_extxyz(stream, frame);
  }

  Monitor run(int stop_after_questions = -1) const {
    Monitor monitor(stop_after_questions);
    Alone alone;
    train(options, monitor, alone);
    return monitor;
  }

  /// Replay structures as the training of `options` compares them.
  ReplaySet labelled() {
    TrainingOptions complete = options;
    const std::vector<std::string> species = adopt_start(complete);
    const TrainingData data = read_training_data(complete, species);
    const auto prepare = [&](const auto& frames) { return prepare_frames(frames, data.report.species, 4, 1); };
    const std::vector<PreparedFrame> frames = prepare(data.train);
    const auto model = make_initial_model(complete, data.report.species, data.train, frames, 1);
    ReplaySet replay{{}, prepare(data.replay)};
    label_replay(complete, *model, data.replay, starting_energies(complete), std::nullopt, replay, 2);
    return replay;
  }

  std::string refusal() const {
    return error_of([&] { run(); });
  }

  std::filesystem::path folder = temporary_path("folder");
  TrainingOptions options;
};

TEST_F(FineTuning, EnergiesOfReplayFollowTheReferenceEnergies) {
  const ReplaySet shifted = labelled();
  options.refit_energies = false;
  const ReplaySet own = labelled();
  ASSERT_EQ(own.labelled.size(), 8u);
  for (std::size_t f = 0; f < 8; ++f) {
    double change = 0;
    for (const std::string& symbol : own.labelled[f].frame.symbols) change += new_theory.at(symbol);
    const auto& reference = shifted.frames[f].reference;
    EXPECT_NEAR(*reference.energy, *own.frames[f].reference.energy + change, 1e-5);
    EXPECT_EQ(*reference.energy, *shifted.labelled[f].reference.energy);
    EXPECT_EQ(reference.forces, own.frames[f].reference.forces);
  }
}

// The references of their own are what the start says, so that both ways must come to the same.
TEST_F(FineTuning, TheStartLabelsReplayAsItIsWhenItsEnergiesAreRefitted) {
  const ReplaySet own = labelled();
  options.replay = {{folder / "bare.extxyz"}, "start", 1};
  options.loss.virial = options.loss.virial_end = 1;
  std::ofstream(folder / "one.extxyz")
      << "2\nProperties=species:S:1:pos:R:3 energy=0 virial=\"1 0 0 0 1 0 0 0 1\"\nNi 0 0 0\nO 2 0 0\n";
  options.data.train.push_back(folder / "one.extxyz");
  options.refit_energies = false;
  const ReplaySet start = labelled();
  options.refit_energies = true;
  ASSERT_EQ(start.frames.size(), own.frames.size());
  for (std::size_t f = 0; f < own.frames.size(); ++f) {
    double change = 0;
    for (const std::string& symbol : own.labelled[f].frame.symbols) change += new_theory.at(symbol);
    const ReferenceValues& reference = start.frames[f].reference;
    EXPECT_NEAR(*reference.energy + change, *own.frames[f].reference.energy, 1e-5);
    for (std::size_t n = 0; n < reference.forces->size(); ++n)
      EXPECT_NEAR((*reference.forces)[n], (*own.frames[f].reference.forces)[n], 1e-6);
    ASSERT_TRUE(reference.virial.has_value());
    EXPECT_NE((*reference.virial)[0], 0);
  }
}

TEST_F(FineTuning, ReplayIsTrainedOnAndJudgedBeforeAndAfter) {
  const Monitor monitor = run();
  ASSERT_EQ(monitor.judged.back().name, "replay");
  EXPECT_EQ(monitor.judged.back().frames, 8u);
  const SetResult with = monitor.judged.back();
  EXPECT_LT(with.errors_before->forces.root_mean_square(), 1e-6);
  EXPECT_LT(with.errors_before->energy_per_atom.root_mean_square(), 1e-5);
  EXPECT_GT(with.errors.forces.root_mean_square(), 1e-4);
  std::ifstream report(folder / "tuned.report.html");
  const std::string html((std::istreambuf_iterator<char>(report)), std::istreambuf_iterator<char>());
  EXPECT_THAT(html, HasSubstr("force components, at the start"));
  EXPECT_THAT(html, HasSubstr("replay.extxyz, with labels of its own; each counts 1 times"));
}

TEST_F(FineTuning, WeightDecidesWhatIsKept) {
  options.optimiser.epochs = 60;
  options.optimiser.ema = 0.9;
  const auto error_with = [&](double weight) {
    options.replay.weight = weight;
    options.output = folder / fmt::format("weight-{}.safetensors", weight);
    return run().judged.back().errors.forces.root_mean_square();
  };
  EXPECT_LT(error_with(100), 0.7 * error_with(0.01));
}

TEST_F(FineTuning, StoppedAndResumedItComesToTheSame) {
  options.low_rank = 2;
  const std::vector<EpochRecord> unbroken = run().epochs;
  options.output = folder / "broken.safetensors";
  run(7);
  options.resume = true;
  const std::vector<EpochRecord> rest = run().epochs;
  ASSERT_FALSE(rest.empty());
  EXPECT_EQ(rest.back().train_loss, unbroken.back().train_loss);
  EXPECT_EQ(rest.back().valid_loss, unbroken.back().valid_loss);
}

TEST_F(FineTuning, ChangesOfReplayOrRankAreAnotherTraining) {
  run(5);
  options.resume = true;
  const TrainingOptions same = options;
  options.replay.weight = 2;
  EXPECT_THAT(refusal(), HasSubstr("weight = 2"));
  options = same;
  options.replay.labels = "start";
  EXPECT_THAT(refusal(), HasSubstr("labels = \"start\""));
  options = same;
  options.low_rank = 2;
  EXPECT_THAT(refusal(), HasSubstr("low_rank = 2"));
  options = same;
  std::ofstream(options.replay.files[0], std::ios::app) << "1\nProperties=species:S:1:pos:R:3 energy=1\nNi 0 0 0\n";
  EXPECT_THAT(refusal(), HasSubstr("replay.extxyz has changed since"));
}

TEST_F(FineTuning, ChangesOfLowRankLeaveVectorsAsTheyAre) {
  options.low_rank = 2;
  options.freeze = {"message"};
  run();
  const TensorFile before = TensorFile::read(options.start);
  const TensorFile after = TensorFile::read(options.output);
  const auto same = [&](const std::string& name) {
    const std::vector<double> a = before.tensor(name).to_doubles(), b = after.tensor(name).to_doubles();
    double difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference = std::max(difference, std::abs(a[i] - b[i]));
    return a.size() == b.size() && difference < 1e-12;
  };
  EXPECT_TRUE(same("readout.Ni.output.bias"));
  EXPECT_FALSE(same("orbitals.mixing"));
  bool message_moved = false;
  for (const auto& [name, tensor] : before.tensors())
    if (name.starts_with("message.")) message_moved = message_moved || !same(name);
  EXPECT_FALSE(message_moved);
}

TEST_F(FineTuning, WhatCannotBeReplayedIsRefused) {
  options.replay.files = {folder / "bare.extxyz"};
  EXPECT_THAT(refusal(), HasSubstr("bare.extxyz: no frame has reference values"));
  EXPECT_THAT(refusal(), HasSubstr("--replay-labels start"));
  std::ofstream(folder / "other.extxyz") << "1\nProperties=species:S:1:pos:R:3 energy=1\nH 0 0 0\n";
  options.replay.files = {folder / "other.extxyz"};
  options.model.species = {"H"};
  EXPECT_THAT(refusal(), HasSubstr("element H is not one of the start's, Ni O"));
}

TEST_F(FineTuning, OptionsWithoutAStartAreRefused) {
  const auto refused = [](const TrainingOptions& o) { return error_of([&] { check_options(o); }); };
  EXPECT_EQ(refused(options), "");
  TrainingOptions other = options;
  other.start.clear();
  EXPECT_THAT(refused(other), HasSubstr("replay needs a model to start from"));
  other.replay = {};
  other.low_rank = 2;
  EXPECT_THAT(refused(other), HasSubstr("low_rank needs a model to start from"));
  other = options;
  other.replay.files.clear();
  other.replay.weight = 2;
  EXPECT_THAT(refused(other), HasSubstr("give --replay FILE"));
}

}  // namespace
}  // namespace grapevine::test
