#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <vector>

#include "formats/model_files/model_file.hpp"
#include "formats/model_files/safetensors.hpp"
#include "models/reann/file.hpp"
#include "models/reann/model.hpp"
#include "models/registry.hpp"
#include "parallel/alone.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "support/error.hpp"
#include "test_files.hpp"
#include "training/losses/loss.hpp"
#include "training/optimisers/optimiser.hpp"
#include "training/options/config.hpp"
#include "training/options/gather_options.hpp"
#include "training/options/option_table.hpp"
#include "training/run/checkpoint.hpp"
#include "training/run/initial_model.hpp"
#include "training/run/trainer.hpp"

namespace grapevine::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// Structures with what a potential of random weights says of them.
std::vector<Frame> labelled_clusters(int count, double box = 6.5) {
  const ReannSizes sizes{.cutoff = 4.0, .waves = 4, .max_order = 1, .orbitals = 6, .layers = 1, .widths = {5, 5}};
  const reann::ReannPotential potential(random_parameters(sizes, 3));
  FrameEvaluator evaluator(potential, Precision::double_precision, 1);
  std::vector<Frame> frames;
  for (int n = 0; n < count; ++n) {
    Frame frame = random_cluster(sizes.species, 8 + n % 5, box, static_cast<unsigned>(100 + n));
    const FrameResult result = evaluator.evaluate(frame);
    frame.columns.push_back({"forces", 3, result.forces});
    frame.info.emplace_back("energy", std::to_string(result.energy));
    frames.push_back(frame);
  }
  return frames;
}

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(temporary_path("folder")) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class Monitor final : public TrainingMonitor {
 public:
  explicit Monitor(int stop_after_questions = -1) : questions_left_(stop_after_questions) {}

  void data_read(const DataReport& /*report*/) override {}
  void model_starts(int, int, const std::filesystem::path& output, int) override { outputs.push_back(output); }
  void epoch_done(const EpochRecord& record, int, double seconds_left) override {
    epochs.push_back(record);
    left.push_back(seconds_left);
  }
  void stopped_early(int epoch, int) override { early = epoch; }
  void model_done(const std::vector<SetResult>& sets, const std::filesystem::path& path) override {
    judged = sets;
    report = path;
  }
  bool stop_requested() override { return questions_left_ >= 0 && questions_left_-- == 0; }

  std::vector<std::filesystem::path> outputs;
  std::vector<EpochRecord> epochs;
  std::vector<double> left;
  int early = 0;
  std::vector<SetResult> judged;
  std::filesystem::path report;

 private:
  int questions_left_;
};

class TrainingTest : public testing::Test {
 protected:
  TrainingTest() {
    std::ofstream stream(folder.path() / "train.extxyz");
    for (const Frame& frame : labelled_clusters(40)) write_extxyz(stream, frame);
    stream.close();
    options.data.train = {folder.path() / "train.extxyz"};
    options.data.split = 0.8;
    options.model.cutoff = 4;
    options.model.waves = 4;
    options.model.max_order = 1;
    options.model.message_widths = {6, 6};
    options.model.readout_widths = {8, 8};
    options.optimiser.epochs = 12;
    options.optimiser.batch_frames = 5;
    options.optimiser.ema = 0.9;
    options.output = folder.path() / "model.safetensors";
    options.threads = 1;
    options.in_double = true;
  }

  std::vector<EpochRecord> run(int stop_after_questions = -1) {
    Monitor monitor(stop_after_questions);
    Alone alone;
    train(options, monitor, alone);
    return monitor.epochs;
  }

  TemporaryFolder folder;
  TrainingOptions options;
};

TEST_F(TrainingTest, LossFallsAndTheModelIsTheOneOfTheBestEpoch) {
  options.optimiser.epochs = 60;
  const std::vector<EpochRecord> epochs = run();
  ASSERT_EQ(epochs.size(), 60u);
  EXPECT_LT(epochs.back().valid_loss, 0.3 * epochs.front().valid_loss);
  EXPECT_LT(epochs.back().train_loss, 0.3 * epochs.front().train_loss);
  const auto potential = load_potential(options.output);
  EXPECT_EQ(potential->species(), (std::vector<std::string>{"O", "Ni"}));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "model.report.html"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "model.plots" / "learning_curves.png"));
}

TEST_F(TrainingTest, StoppedAndResumedTrainingHasTheLossesOfAnUnbrokenOne) {
  for (const char* method : {"adamw", "soap"}) {
    options.optimiser.method = method;
    options.output = folder.path() / fmt::format("unbroken-{}.safetensors", method);
    const std::vector<EpochRecord> unbroken = run();
    options.output = folder.path() / fmt::format("broken-{}.safetensors", method);
    run(17);  // in the middle of an epoch
    options.resume = true;
    run(20);
    const std::vector<EpochRecord> rest = run();
    options.resume = false;
    ASSERT_FALSE(rest.empty());
    for (const EpochRecord& record : rest) {
      const EpochRecord& expected = unbroken.at(static_cast<std::size_t>(record.epoch - 1));
      EXPECT_EQ(record.train_loss, expected.train_loss) << method << " epoch " << record.epoch;
      EXPECT_EQ(record.valid_loss, expected.valid_loss) << method << " epoch " << record.epoch;
    }
    EXPECT_EQ(rest.back().epoch, unbroken.back().epoch);
  }
}

TEST_F(TrainingTest, ThreadsChangeNothingButRounding) {
  options.optimiser.epochs = 2;
  const std::vector<EpochRecord> one = run();
  options.threads = 3;
  const std::vector<EpochRecord> three = run();
  for (std::size_t n = 0; n < one.size(); ++n)
    EXPECT_NEAR(three[n].train_loss, one[n].train_loss, 1e-9 * one[n].train_loss);
}

// Weights of the first step's size are finite, what they predict is not.
TEST_F(TrainingTest, PredictionsThatAreNotFiniteEndItAndNameFrameAndAtom) {
  options.optimiser.learning_rate = 1e200;
  const std::string error = error_of([&] { run(); });
  EXPECT_THAT(error, HasSubstr("train.extxyz"));
  EXPECT_THAT(error, ContainsRegex("of atom [0-9]+ is not finite; take a lower learning rate"));
  EXPECT_FALSE(std::filesystem::exists(options.output));
}

TEST_F(TrainingTest, AValidationThatIsNotFiniteEndsIt) {
  options.optimiser.learning_rate = 1e200;
  options.optimiser.batch_frames = 40;
  options.optimiser.epochs = 1;
  options.optimiser.ema = 0;
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("is not finite; take a lower learning rate"));
  EXPECT_FALSE(std::filesystem::exists(options.output));
}

TEST_F(TrainingTest, WeightsThatAreNotFiniteEndIt) {
  options.optimiser.learning_rate = 1e308;
  options.optimiser.weight_decay = 1e10;
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("grown beyond all bounds in epoch 1: take a lower learning rate"));
}

TEST_F(TrainingTest, CheckpointOfAnotherTrainingIsRefused) {
  run(17);
  options.resume = true;
  options.model.waves = 5;
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("another training"));
}

TEST_F(TrainingTest, CheckpointOfOtherDataUnderTheSameNameIsRefused) {
  const auto write = [&](const std::filesystem::path& path, const std::vector<Frame>& frames) {
    std::ofstream stream(path);
    for (const Frame& frame : frames) write_extxyz(stream, frame);
  };
  const std::vector<Frame> frames = labelled_clusters(40);
  std::vector<Frame> fewer(frames.begin(), frames.begin() + 20);
  std::vector<Frame> exchanged = frames;
  for (Frame& frame : exchanged)
    for (std::string& symbol : frame.symbols) symbol = symbol == "O" ? "Ni" : "O";
  const std::filesystem::path valid = folder.path() / "valid.extxyz";
  for (const bool splits : {true, false}) {
    if (!splits) options.data.valid = {valid};
    write(valid, fewer);
    options.resume = false;
    run(17);
    options.resume = true;
    for (const auto& other : {fewer, exchanged}) {
      write(options.data.train[0], other);
      EXPECT_THAT(error_of([&] { run(); }), HasSubstr("train.extxyz has changed since"));
    }
    write(options.data.train[0], frames);
    if (!splits) {
      write(valid, exchanged);
      EXPECT_THAT(error_of([&] { run(); }), HasSubstr("valid.extxyz has changed since"));
      write(valid, fewer);
    }
    EXPECT_EQ(error_of([&] { run(); }), "");
  }
}

TEST_F(TrainingTest, CheckpointOfAnotherStartIsRefused) {
  options.optimiser.epochs = 2;
  run();
  options.start = folder.path() / "start.safetensors";
  std::filesystem::copy_file(options.output, options.start);
  options.output = folder.path() / "tuned.safetensors";
  run(3);
  options.resume = true;
  reann::write_model(options.start, reann::read_parameters(TensorFile::read(options.start)), {"", "", "", "another"});
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("start.safetensors has changed since"));
}

TEST_F(TrainingTest, StructuresOfWeightZeroDecideNothing) {
  const auto write = [&](double wrong) {
    std::ofstream stream(options.data.train[0]);
    int n = 0;
    for (Frame frame : labelled_clusters(40)) {
      if (n++ % 4 == 0) {
        frame.info.emplace_back("config_type", "bad one");
        for (auto& [key, value] : frame.info)
          if (key == "energy") value = std::to_string(wrong);
        for (double& force : std::get<std::vector<double>>(frame.columns[0].values)) force = wrong;
      }
      write_extxyz(stream, frame);
    }
  };
  options.optimiser.epochs = 3;
  options.overwrite = true;
  const auto losses = [&] {
    std::vector<double> values;
    for (const EpochRecord& record : run()) values.insert(values.end(), {record.train_loss, record.valid_loss});
    return values;
  };
  write(1);
  const std::vector<double> counted = losses();
  options.type_weights = {{"bad one", 0}};
  const std::vector<double> left_out = losses();
  write(-2);
  EXPECT_EQ(losses(), left_out);
  EXPECT_NE(counted, left_out);
}

TEST_F(TrainingTest, WeightsOfStructuresArePartOfTheTraining) {
  std::ofstream stream(options.data.train[0]);
  for (Frame frame : labelled_clusters(40)) {
    frame.info.emplace_back("config_type", "liquid");
    write_extxyz(stream, frame);
  }
  stream.close();
  options.type_weights = {{"liquid", 2}};
  run(17);
  options.resume = true;
  options.type_weights = {{"liquid", 3}};
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("it has \"\"liquid\" = 2\" where this one has \"\"liquid\" = 3\""));
  options.type_weights = {{"liquid", 2}};
  EXPECT_EQ(error_of([&] { run(); }), "");
}

TEST_F(TrainingTest, PatienceEndsIt) {
  options.optimiser.epochs = 200;
  options.optimiser.learning_rate = 0.3;  // too high, so that the loss goes up and down
  options.optimiser.learning_rate_end = 0.3;
  options.optimiser.patience = 3;
  options.optimiser.ema = 0;
  Monitor monitor;
  Alone alone;
  train(options, monitor, alone);
  const std::vector<EpochRecord>& epochs = monitor.epochs;
  ASSERT_GT(epochs.size(), 3u);
  ASSERT_LT(epochs.size(), 200u);
  EXPECT_EQ(monitor.early, static_cast<int>(epochs.size()));
  const auto best = std::min_element(epochs.begin(), epochs.end(),
                                     [](const auto& a, const auto& b) { return a.valid_loss < b.valid_loss; });
  EXPECT_EQ(epochs.end() - best, 4) << "the best and three that are not";
  EXPECT_THAT(read_description(TensorFile::read(options.output)).provenance.note,
              HasSubstr(fmt::format("epoch {} of 200, stopped early after {};", best->epoch, epochs.size())));
  std::ifstream report(folder.path() / "model.report.html");
  const std::string text((std::istreambuf_iterator<char>(report)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, HasSubstr("stopped early, as 3 validations brought no better one"));

  options.output = folder.path() / "broken.safetensors";
  run(17);
  options.resume = true;
  EXPECT_EQ(run().back().epoch, epochs.back().epoch) << "a resumed one ends where an unbroken one does";
  EXPECT_TRUE(run().empty()) << "it has ended";
  options.optimiser.patience = 4;
  EXPECT_GT(run().size(), 0u) << "more patience goes on";
}

TEST_F(TrainingTest, PatienceWithoutValidationNeverEnds) {
  std::ofstream stream(options.data.train[0]);
  write_extxyz(stream, labelled_clusters(1).front());
  stream.close();
  options.optimiser.patience = 1;
  EXPECT_EQ(run().size(), 12u);
}

TEST_F(TrainingTest, TimeLeftAfterResumingIsAtThePaceOfTheWholeTraining) {
  run(20);  // of seven steps an epoch
  options.resume = true;
  Monitor monitor;
  Alone alone;
  train(options, monitor, alone);
  ASSERT_EQ(monitor.epochs.front().epoch, 3);
  const double pace = monitor.epochs.front().seconds / 21;
  EXPECT_NEAR(monitor.left.front(), pace * 7 * (12 - 3), 1e-9 + 1e-6 * monitor.left.front());
  EXPECT_EQ(monitor.left.back(), 0);
}

TEST_F(TrainingTest, StoppedTrainingLeavesTheBestModelSoFar) {
  run(5);  // within the first epoch
  EXPECT_FALSE(std::filesystem::exists(options.output));
  const std::filesystem::path checkpoint = folder.path() / "model.checkpoint.safetensors";
  EXPECT_THAT(error_of([&] { load_potential(checkpoint); }), HasSubstr("has not come to a model yet"));
  options.resume = true;
  run(40);
  const std::vector<std::byte> unfinished = read_bytes(options.output);
  EXPECT_THAT(read_description(TensorFile::read(options.output)).provenance.note, HasSubstr("of 12, the best of"));
  EXPECT_EQ(load_potential(options.output)->species(), (std::vector<std::string>{"O", "Ni"}));
  EXPECT_THAT(error_of([&] { load_potential(checkpoint); }),
              HasSubstr("the best model of it so far is " + options.output.string()));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "model.report.html")) << "it is not finished";
  run();
  EXPECT_NE(read_bytes(options.output), unfinished);
  EXPECT_THAT(read_description(TensorFile::read(options.output)).provenance.note, Not(HasSubstr("so far")));
}

TEST_F(TrainingTest, KilledTrainingLeavesAModelFromItsFirstEpochOn) {
  class Killed final : public TrainingMonitor {
   public:
    void data_read(const DataReport& /*report*/) override {}
    void model_starts(int, int, const std::filesystem::path&, int) override {}
    void epoch_done(const EpochRecord& record, int, double) override {
      if (record.epoch == 2) throw Error("killed");
    }
    void stopped_early(int, int) override {}
    void model_done(const std::vector<SetResult>&, const std::filesystem::path&) override {}
    bool stop_requested() override { return false; }
  };
  Killed monitor;
  Alone alone;
  EXPECT_EQ(error_of([&] { train(options, monitor, alone); }), "killed");
  EXPECT_EQ(load_potential(options.output)->species(), (std::vector<std::string>{"O", "Ni"}));
  options.resume = true;
  EXPECT_EQ(run().front().epoch, 2);
}

TEST_F(TrainingTest, NamesThatShareACheckpointDoNotShareATraining) {
  options.output = folder.path() / "run.1.safetensors";
  run(17);
  options.resume = true;
  options.output = folder.path() / "run.1";
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("run.1.safetensors, not of"));
  std::filesystem::copy_file(folder.path() / "run.1.checkpoint.safetensors",
                             folder.path() / "copy.checkpoint.safetensors");
  options.output = folder.path() / "copy.safetensors";
  EXPECT_EQ(error_of([&] { run(); }), "");
}

TEST_F(TrainingTest, CommitteeMembersDiffer) {
  options.committee = 2;
  options.optimiser.epochs = 2;
  Monitor monitor;
  Alone alone;
  train(options, monitor, alone);
  ASSERT_EQ(monitor.outputs.size(), 2u);
  const Frame frame = labelled_clusters(1).front();
  const auto energy = [&](const std::filesystem::path& path) {
    return FrameEvaluator(*load_potential(path), Precision::double_precision, 1).evaluate(frame).energy;
  };
  EXPECT_NE(energy(monitor.outputs[0]), energy(monitor.outputs[1]));
}

TEST_F(TrainingTest, CommitteeStoppedInItsFirstMemberResumes) {
  options.committee = 2;
  options.optimiser.epochs = 2;
  run(3);
  options.resume = true;
  run();
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "model-1.safetensors"));
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "model-2.safetensors"));
}

TEST_F(TrainingTest, GoesOnFromAModelWithPartsFrozenAndAnElementAdded) {
  options.model.species = {"Ni", "O"};
  run();
  TrainingOptions first = options;
  options.start = options.output;
  options.output = folder.path() / "tuned.safetensors";
  options.model.species = {"H"};
  options.freeze = {"radial", "mixing", "message"};
  std::ofstream stream(folder.path() / "more.extxyz");
  for (Frame frame : labelled_clusters(10)) {
    frame.symbols[0] = "H";
    write_extxyz(stream, frame);
  }
  stream.close();
  options.data.train.push_back(folder.path() / "more.extxyz");
  run();
  const TensorFile before = TensorFile::read(first.output);
  const TensorFile after = TensorFile::read(options.output);
  EXPECT_EQ(load_potential(options.output)->species(), (std::vector<std::string>{"Ni", "O", "H"}));
  EXPECT_EQ(before.tensor("orbitals.mixing").to_doubles(), after.tensor("orbitals.mixing").to_doubles());
  EXPECT_NE(before.tensor("readout.Ni.output.weight").to_doubles(),
            after.tensor("readout.Ni.output.weight").to_doubles());
}

double energy_alone(const std::filesystem::path& model, const std::string& symbol, Precision precision) {
  Frame frame;
  frame.symbols = {symbol};
  frame.positions = {0, 0, 0};
  return FrameEvaluator(*load_potential(model), precision, 1).evaluate(frame).energy;
}

TEST_F(TrainingTest, EnergiesOfIsolatedAtomsAreExactAndCostNothing) {
  std::ofstream stream(folder.path() / "train.extxyz");
  for (const Frame& frame : labelled_clusters(40, 4.5)) write_extxyz(stream, frame);  // no atom is alone
  stream.close();
  options.optimiser.epochs = 30;
  const double free = run().back().valid_loss;
  options.isolated_atoms = {{"Ni", -12.5}, {"O", 7.25}};
  EXPECT_LT(run().back().valid_loss, 1.5 * free);
  for (const Precision precision : {Precision::double_precision, Precision::mixed}) {
    EXPECT_NEAR(energy_alone(options.output, "Ni", precision), -12.5, 1e-6);
    EXPECT_NEAR(energy_alone(options.output, "O", precision), 7.25, 1e-6);
  }
}

TEST_F(TrainingTest, IsolatedAtomsOfTheDataAreExactAndStaySoWhenGoneOnFrom) {
  std::ofstream stream(folder.path() / "train.extxyz", std::ios::app);
  stream << "1\nenergy=-12.5 pbc=\"F F F\" Properties=species:S:1:pos:R:3\nNi 0 0 0\n"
            "1\nLattice=\"15 0 0 0 15 0 0 0 15\" energy=7.25 Properties=species:S:1:pos:R:3\nO 0 0 0\n";
  stream.close();
  options.data.isolated_atom_frames = true;
  options.optimiser.epochs = 3;
  run();
  EXPECT_NEAR(energy_alone(options.output, "Ni", Precision::mixed), -12.5, 1e-6);
  EXPECT_NEAR(energy_alone(options.output, "O", Precision::mixed), 7.25, 1e-6);
  options.start = options.output;
  options.output = folder.path() / "tuned.safetensors";
  options.data.isolated_atom_frames = false;
  run();
  EXPECT_NEAR(energy_alone(options.output, "Ni", Precision::double_precision), -12.5, 1e-6);
  EXPECT_NEAR(energy_alone(options.output, "O", Precision::double_precision), 7.25, 1e-6);
  options.isolated_atoms = {{"O", 8}};
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("--isolated-atom O=8 contradicts the model to start from"));
}

TEST_F(TrainingTest, OptionsThatContradictTheModelToStartFromAreRefused) {
  options.optimiser.epochs = 1;
  run();
  options.start = options.output;
  options.output = folder.path() / "tuned.safetensors";
  const auto refusal = [&](const OptionWords& words) {
    TrainingOptions typed = gather_options("", words);
    typed.start = options.start;
    return error_of([&] { adopt_start(typed); });
  };
  EXPECT_THAT(refusal({{"cutoff", {"6"}}}), HasSubstr("--cutoff 6 contradicts the model to start from"));
  EXPECT_THAT(refusal({{"cutoff", {"5"}}}), HasSubstr("which has 4: leave it out"));
  EXPECT_THAT(refusal({{"waves", {"8"}}}), HasSubstr("--waves 8 contradicts"));
  EXPECT_THAT(refusal({{"readout-widths", {"8,9"}}}), HasSubstr("--readout-widths [8, 9] contradicts"));
  EXPECT_THAT(refusal({{"shared-mixing", {"true"}}}), HasSubstr("--shared-mixing true contradicts"));
  EXPECT_EQ(refusal({{"cutoff", {"4"}}, {"message-widths", {"6,6"}}, {"species", {"H"}}}), "");
  EXPECT_EQ(refusal({}), "");
  options.model.waves = 9;  // as from a configuration
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("model.waves 9 contradicts"));
  options.model.waves = 4;
  options.isolated_atoms = {{"O", -1}};
  EXPECT_THAT(error_of([&] { run(); }), HasSubstr("was trained without energies of isolated atoms"));
}

TEST_F(TrainingTest, WithoutValidationTheLastEpochIsKept) {
  std::ofstream stream(folder.path() / "one.extxyz");
  write_extxyz(stream, labelled_clusters(1).front());
  stream.close();
  options.data.train = {folder.path() / "one.extxyz"};
  options.optimiser.epochs = 40;
  const std::vector<EpochRecord> epochs = run();
  EXPECT_EQ(epochs.back().valid_loss, 0);
  const std::string note = read_description(TensorFile::read(options.output)).provenance.note;
  EXPECT_THAT(note, HasSubstr("epoch 40 of 40, the last, as there was nothing to validate with"));
  const Frame frame = labelled_clusters(1).front();
  const FrameResult result =
      FrameEvaluator(*load_potential(options.output), Precision::double_precision, 1).evaluate(frame);
  double square = 0;
  const auto& forces = std::get<std::vector<double>>(frame.columns.back().values);
  for (std::size_t n = 0; n < forces.size(); ++n) square += std::pow(result.forces[n] - forces[n], 2);
  EXPECT_LT(std::sqrt(square / static_cast<double>(forces.size())), 0.5 * epochs.front().train_forces);
}

TEST_F(TrainingTest, OneEpochIsATraining) {
  options.optimiser.epochs = 1;
  check_options(options);
  EXPECT_EQ(run().size(), 1u);
}

TEST(Loss, SlopesAreThoseOfTheLoss) {
  PreparedFrame frame;
  frame.species = {0, 0};
  frame.reference.energy = 1.0;
  frame.reference.forces = {0.1, 0, 0, 0, 0.2, 0};
  frame.reference.virial = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  FrameBatch batch;
  batch.add(frame);
  ReferenceCounts counts;
  counts.add(frame.reference);
  for (const double limit : {0.0, 0.05}) {
    const LossWeights weights{2, 3, 4, limit, limit, limit};
    BatchPrediction prediction{{0.3, 0.9}, {0.3, -0.2, 0, 0.01, 0.2, 1}, std::vector<double>(18, 0.1)};
    LossSlopes slopes;
    loss_of(batch, prediction, weights, counts, &slopes);
    const auto loss = [&] { return loss_of(batch, prediction, weights, counts, nullptr).loss; };
    const auto slope = [&](double& number) {
      const double at = number;
      constexpr double h = 1e-6;
      number = at + h;
      const double high = loss();
      number = at - h;
      const double low = loss();
      number = at;
      return (high - low) / (2 * h);
    };
    EXPECT_NEAR(slope(prediction.energies[0]), slopes.energy[0], 1e-7);
    for (std::size_t n = 0; n < 6; ++n) EXPECT_NEAR(slope(prediction.forces[n]), slopes.forces[n], 1e-7);
    for (std::size_t n = 0; n < 9; ++n) EXPECT_NEAR(slope(prediction.virials[n]), slopes.virial[n], 1e-7);
  }
}

TEST(Loss, TermsCountByTheWeightsOfTheirStructures) {
  PreparedFrame frame;
  frame.species = {0};
  frame.reference.energy = 1.0;
  frame.reference.forces = {0, 0, 0};
  frame.reference.virial = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  const BatchPrediction prediction{{1.5}, {1, 0, 0.25}, {0.5, 0, 0, 0, 1, 0, 0, 0, 2}};
  const LossWeights weights{2, 3, 4, 0, 0, 0};
  const auto loss_with = [&](const StructureWeights& structure, LossSlopes& slopes) {
    frame.weights = structure;
    FrameBatch batch;
    batch.add(frame);
    ReferenceCounts counts{2, 6, 2};  // of a batch with another structure
    return loss_of(batch, prediction, weights, counts, &slopes);
  };
  LossSlopes once, energy, forces, virial, weighed;
  const LossSums plain = loss_with({}, once);
  const double of_energy = loss_with({1, 0, 0}, energy).loss;
  const double of_forces = loss_with({0, 1, 0}, forces).loss;
  const double of_virial = loss_with({0, 0, 1}, virial).loss;
  EXPECT_DOUBLE_EQ(of_energy, 2 * 0.25 / 2);
  EXPECT_DOUBLE_EQ(of_forces, 3 * (1 + 0.0625) / 6);
  EXPECT_DOUBLE_EQ(of_virial, 4 * (0.25 + 1) / 18);
  EXPECT_DOUBLE_EQ(plain.loss, of_energy + of_forces + of_virial);
  const LossSums sums = loss_with({5, 7, 11}, weighed);
  EXPECT_DOUBLE_EQ(sums.loss, 5 * of_energy + 7 * of_forces + 11 * of_virial);
  EXPECT_DOUBLE_EQ(weighed.energy[0], 5 * once.energy[0]);
  for (std::size_t n = 0; n < 3; ++n) EXPECT_DOUBLE_EQ(weighed.forces[n], 7 * once.forces[n]);
  for (std::size_t n = 0; n < 9; ++n) EXPECT_DOUBLE_EQ(weighed.virial[n], 11 * once.virial[n]);
  EXPECT_EQ(sums.energy_rmse(), plain.energy_rmse());
  EXPECT_EQ(sums.force_rmse(), plain.force_rmse());
  EXPECT_EQ(sums.virial_rmse(), plain.virial_rmse());
}

TEST(Loss, ReferencesOfWeightZeroAreNoPartOfAMean) {
  PreparedFrame frame;
  frame.species = {0};
  frame.reference.energy = 1.0;
  frame.weights.energy = 0;
  ReferenceCounts counts;
  counts.add(frame.reference, frame.weights);
  EXPECT_EQ(counts.energies, 0u);
  FrameBatch batch;
  batch.add(frame);
  LossSlopes slopes;
  const LossSums sums = loss_of(batch, {{1.5}, {0, 0, 0}, {}}, {}, counts, &slopes);
  EXPECT_EQ(sums.loss, 0);
  EXPECT_EQ(slopes.energy[0], 0);
  EXPECT_EQ(sums.energy_rmse(), 0.5) << "the error is told all the same";
}

TEST(Loss, ErrorsAreThoseOfTheWholeSet) {
  PreparedFrame frame;
  frame.species = {0};
  frame.reference.energy = 1.0;
  frame.reference.forces = {0, 0, 0};
  FrameBatch batch;
  batch.add(frame);
  batch.add(frame);
  ReferenceCounts counts;
  counts.add(frame.reference);
  counts.add(frame.reference);
  const LossSums sums = loss_of(batch, {{1.5, 0.5}, {1, 0, 0, 0, 0, 2}, {}}, {}, counts, nullptr);
  EXPECT_DOUBLE_EQ(sums.energy_rmse(), 0.5);
  EXPECT_DOUBLE_EQ(sums.force_rmse(), std::sqrt(5.0 / 6));
  EXPECT_DOUBLE_EQ(sums.virial_rmse(), 0);
  EXPECT_DOUBLE_EQ(sums.loss, 0.25 + 5.0 / 6);
}

/// A bowl that is steep along the mean of a matrix's rows and of its columns: the gradient is P W Q. Gives the loss
/// left.
double descend(const std::string& method, int steps) {
  constexpr int rows = 3;
  constexpr int columns = 4;
  const std::vector<ParameterPart> parts{{"a", "message", rows, columns, true}, {"b", "radial", 1, 2, false}};
  const auto optimiser = make_optimiser(method, parts, 0, 1);
  std::vector<double> weights(rows * columns + 2);
  for (std::size_t n = 0; n < weights.size(); ++n) weights[n] = std::sin(1.0 + 2.0 * static_cast<double>(n));
  const auto gradient = [&] {
    std::vector<double> g = weights;
    for (int c = 0; c < columns; ++c) {
      double sum = 0;
      for (int r = 0; r < rows; ++r) sum += weights[static_cast<std::size_t>(r * columns + c)];
      for (int r = 0; r < rows; ++r) g[static_cast<std::size_t>(r * columns + c)] += 10 * sum;
    }
    for (int r = 0; r < rows; ++r) {
      const auto row = g.begin() + r * columns;
      const double sum = std::accumulate(row, row + columns, 0.0);
      std::for_each(row, row + columns, [&](double& value) { value += 10 * sum; });
    }
    return g;
  };
  for (int step = 0; step < steps; ++step)
    optimiser->step(weights, gradient(), 0.05 * (1 - static_cast<double>(step) / steps));
  return std::inner_product(weights.begin(), weights.end(), gradient().begin(), 0.0);
}

TEST(OptimiserTest, FindsTheBottomOfABowl) {
  const double start = descend("adamw", 0);
  const double by_adamw = descend("adamw", 500);
  EXPECT_LT(by_adamw, 0.01 * start);
  EXPECT_LT(descend("soap", 500), 0.2 * by_adamw);
}

TEST(OptimiserTest, UnknownMethodsAreRefused) {
  EXPECT_THAT(error_of([] { make_optimiser("magic", {}, 0, 1); }), HasSubstr("magic"));
}

TEST(OptimiserTest, WeightDecayPullsMatricesOnly) {
  const std::vector<ParameterPart> parts{{"a", "message", 1, 1, true}, {"b", "radial", 1, 1, false}};
  const auto optimiser = make_optimiser("adamw", parts, 0.5, 1);
  std::vector<double> weights{1, 1};
  optimiser->step(weights, std::vector<double>{0, 0}, 0.1);
  EXPECT_DOUBLE_EQ(weights[0], 0.95);
  EXPECT_DOUBLE_EQ(weights[1], 1);
}

TEST(CheckpointTest, StateComesBackToTheBit) {
  const TemporaryFolder folder;
  TrainingState state;
  state.epoch = 2;
  state.step = 3;
  state.steps = 23;
  state.seconds = 1.0 / 3;
  state.gradient_norm = 0.1;
  state.epoch_sums.loss = 1e-7;
  state.epoch_sums.virials = 5;
  state.weights = {0.1, 1e-300, -3};
  state.mean_weights = {1, 2, 3};
  state.best_weights = {4, 5, 6};
  state.best_loss = 0.7;
  state.best_epoch = 1;
  state.optimiser = {{"mean", {0.3}}};
  state.epochs.resize(2);
  state.epochs[1].valid_virial = 0.9;
  const auto path = folder.path() / "c.safetensors";
  TrainingIdentity training{"model.safetensors", "line 1\nline 2\n", {{{"train.extxyz", "ab"}}, "cd"}, "ef"};
  write_checkpoint(path, state, training);
  const TrainingState back = read_checkpoint(path, 3, training);
  EXPECT_EQ(back.epoch, 2);
  EXPECT_EQ(back.step, 3u);
  EXPECT_EQ(back.steps, 23);
  EXPECT_EQ(back.seconds, state.seconds);
  EXPECT_EQ(back.epoch_sums.loss, 1e-7);
  EXPECT_EQ(back.epoch_sums.virials, 5);
  EXPECT_EQ(back.weights, state.weights);
  EXPECT_EQ(back.best_weights, state.best_weights);
  EXPECT_EQ(back.best_loss, 0.7);
  EXPECT_EQ(back.optimiser, state.optimiser);
  EXPECT_EQ(back.epochs.at(1).valid_virial, 0.9);
  EXPECT_EQ(back.epochs.at(1).epoch, 2);
  const auto refusal = [&](const TrainingIdentity& other) {
    return error_of([&] { read_checkpoint(path, 3, other); });
  };
  TrainingIdentity other = training;
  other.options = "line 1\nline 3\n";
  EXPECT_THAT(refusal(other), HasSubstr("\"line 2\""));
  other = training;
  other.inputs.files["train.extxyz"] = "ba";
  EXPECT_THAT(refusal(other), HasSubstr("train.extxyz has changed"));
  other = training;
  other.split = "fe";
  EXPECT_THAT(refusal(other), HasSubstr("the split into training and validation structures has changed"));
  EXPECT_THAT(error_of([&] { read_checkpoint(path, 4, training); }), HasSubstr("weights has 3 numbers; expected 4"));
}

TEST(CheckpointTest, ANewTrainingHasNoEpochs) {
  const TemporaryFolder folder;
  TrainingState state;
  state.weights = state.mean_weights = state.best_weights = {1};
  write_checkpoint(folder.path() / "c.safetensors", state, {});
  EXPECT_TRUE(read_checkpoint(folder.path() / "c.safetensors", 1, {}).epochs.empty());
}

}  // namespace
}  // namespace grapevine::test
