#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/model_files/safetensors.hpp"
#include "model_checks.hpp"
#include "models/core/cored_potential.hpp"
#include "models/core/file.hpp"
#include "models/reann/model.hpp"
#include "models/registry.hpp"
#include "parallel/alone.hpp"
#include "reann_reference.hpp"
#include "structures/evaluate_frame.hpp"
#include "support/error.hpp"
#include "test_files.hpp"
#include "training/core/choice.hpp"
#include "training/core/contacts.hpp"
#include "training/core/remainder.hpp"
#include "training/core/strength.hpp"
#include "training/run/trainer.hpp"

namespace grapevine::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr double cutoff = 4.5;

LabelledFrame dimer(const std::string& first, const std::string& second, double distance) {
  LabelledFrame labelled;
  labelled.frame.symbols = {first, second};
  labelled.frame.positions = {0.5, 0, 0, 0.5, distance, 0};
  labelled.reference.energy = 1.5;
  labelled.reference.forces = std::vector<double>{1, 2, 3, -1, -2, -3};
  labelled.reference.virial = {{1, 2, 3, 2, 5, 6, 3, 6, 9}};
  return labelled;
}

CoreChoice choice_for(const std::vector<LabelledFrame>& frames, const std::vector<std::string>& species,
                      const std::string& wanted, const std::optional<Core>& of_start = {}) {
  TrainingOptions options;
  options.core = wanted;
  options.model.cutoff = cutoff;
  if (of_start) options.start = "start.safetensors";
  return choose_core(options, species, find_contacts(prepare_frames(frames, species, cutoff, 1), species.size()),
                     of_start);
}

TEST(CoreChoiceTest, RadiiEndBelowTheShortestDistances) {
  const std::vector<LabelledFrame> frames = {dimer("O", "H", 1.1), dimer("H", "O", 0.9), dimer("O", "O", 2.5)};
  const CoreChoice choice = choice_for(frames, {"H", "O"}, "auto");
  ASSERT_TRUE(choice.core.has_value());
  EXPECT_NEAR(choice.core->pair(0, 1).outer, 0.95 * 0.9, 1e-12);
  EXPECT_NEAR(choice.core->pair(1, 0).outer, 0.95 * 0.9, 1e-12);
  EXPECT_NEAR(choice.core->pair(1, 1).outer, 0.95 * 2.5, 1e-12);
  EXPECT_NEAR(choice.core->pair(0, 0).outer, 0.62, 1e-12);  // not in the data
  EXPECT_THAT(choice.text, AllOf(HasSubstr("H-O 0.855, O-O 2.38 A"), HasSubstr("H-H 0.62 A"), HasSubstr("none")));
  check(*choice.core, cutoff);
}

TEST(CoreChoiceTest, DataThatHoldAtomsApartThemselvesNeedNone) {
  const std::vector<LabelledFrame> frames = {dimer("Ni", "Ni", 1.0)};
  EXPECT_FALSE(choice_for(frames, {"Ni"}, "auto").core.has_value());
  EXPECT_THAT(choice_for(frames, {"Ni"}, "auto").text, HasSubstr("--core zbl"));
  EXPECT_TRUE(choice_for(frames, {"Ni"}, "zbl").core.has_value());
  EXPECT_TRUE(choice_for({dimer("Ni", "Ni", 2.0)}, {"Ni"}, "auto").core.has_value());
  EXPECT_FALSE(choice_for({dimer("Ni", "Ni", 2.0)}, {"Ni"}, "none").core.has_value());
  EXPECT_THAT(choice_for({dimer("Ni", "Ni", 2.0)}, {"Ni"}, "none").text, IsEmpty());
}

TEST(CoreChoiceTest, TheModelToStartFromKeepsItsCore) {
  Core of_start = empty_core({"Ni"});
  of_start.set(0, 0, {0.5, 1.5, 3});
  const std::vector<LabelledFrame> frames = {dimer("Ni", "Ni", 2.0), dimer("Ni", "O", 2.0)};
  const CoreChoice choice = choice_for(frames, {"Ni", "O"}, "auto", of_start);
  ASSERT_TRUE(choice.core.has_value());
  EXPECT_EQ(choice.core->pair(0, 0), of_start.pair(0, 0));
  EXPECT_NEAR(choice.core->pair(0, 1).outer, 1.9, 1e-12);
  EXPECT_FALSE(choice_for(frames, {"Ni", "O"}, "none", of_start).core.has_value());
}

TEST(CoreChoiceTest, AModelToStartFromWithoutOneGetsNoneUnasked) {
  TrainingOptions options;
  options.model.cutoff = cutoff;
  options.start = "start.safetensors";
  const std::vector<LabelledFrame> frames = {dimer("Ni", "Ni", 2.0)};
  const Contacts contacts = find_contacts(prepare_frames(frames, {"Ni"}, cutoff, 1), 1);
  EXPECT_FALSE(choose_core(options, {"Ni"}, contacts, {}).core.has_value());
  options.core = "zbl";
  EXPECT_TRUE(choose_core(options, {"Ni"}, contacts, {}).core.has_value());
}

TEST(CoreContacts, OfTwoSetsTheShorterCounts) {
  const std::vector<LabelledFrame> train = {dimer("Ni", "O", 1.2), dimer("O", "O", 1.9)};
  const std::vector<LabelledFrame> valid = {dimer("O", "Ni", 1.1), dimer("Ni", "Ni", 2.2), dimer("O", "O", 2.0)};
  const auto contacts_of = [](const std::vector<LabelledFrame>& frames) {
    return find_contacts(prepare_frames(frames, {"Ni", "O"}, cutoff, 1), 2);
  };
  const Contacts contacts = shorter_of(contacts_of(train), contacts_of(valid));
  EXPECT_NEAR(contacts.pair(1, 0).distance, 1.1, 1e-12);
  EXPECT_NEAR(contacts.pair(0, 0).distance, 2.2, 1e-12);
  EXPECT_NEAR(contacts.pair(1, 1).distance, 1.9, 1e-12);
}

TEST(CoreRemainder, TakesOffWhatTheCoreAdds) {
  Core core = empty_core({"Ni", "O"});
  core.set(0, 1, {0.5, 1.5, 2});
  const std::vector<LabelledFrame> frames = {dimer("Ni", "O", 1.2), dimer("Ni", "O", 1.6)};
  std::vector<PreparedFrame> prepared = prepare_frames(frames, {"Ni", "O"}, cutoff, 1);
  const std::vector<char> pairs = take_off_core(core, prepared);
  EXPECT_EQ(pairs, (std::vector<char>{0, 1, 1, 0}));
  const CoreValue value = core_value(core, 0, 1, 1.2);
  EXPECT_NEAR(*prepared[0].reference.energy, 1.5 - value.energy, 1e-12);
  EXPECT_NEAR((*prepared[0].reference.forces)[1], 2 - value.slope, 1e-12);
  EXPECT_NEAR((*prepared[0].reference.forces)[4], -2 + value.slope, 1e-12);
  EXPECT_NEAR((*prepared[0].reference.virial)[4], 5 + value.slope * 1.2, 1e-12);
  EXPECT_EQ(*prepared[1].reference.energy, 1.5);
  EXPECT_EQ(*prepared[1].reference.forces, *frames[1].reference.forces);
}

TEST(CoreStrength, EveryApproachMeetsABarrier) {
  const std::vector<std::string> species = {"Ni", "O"};
  reann::Parameters parameters = random_parameters({.layers = 1, .norm = false}, 3);
  for (auto& network : parameters.readout)
    for (double& weight : network.output.weight) weight *= 100;  // far from any sense at short distances
  const auto plain = std::make_shared<reann::ReannPotential>(parameters);
  LabelledFrame labelled;
  labelled.frame = random_cluster(species, 16, 6.0, 4);
  const std::vector<LabelledFrame> frames = {labelled};
  const Contacts contacts = find_contacts(prepare_frames(frames, species, cutoff, 1), 2);
  TrainingOptions options;
  options.model.cutoff = cutoff;
  const Core core = *choose_core(options, species, contacts, {}).core;
  const auto approaches = find_approaches(core, species, contacts, frames, {0, 0, 0, 0});
  EXPECT_EQ(approaches.size(), 6u);
  const Core strong = strengthened(core, *plain, approaches, 1);
  const auto potential = with_core(plain, strong);
  for (std::size_t a = 0; a < 2; ++a)
    for (std::size_t b = a; b < 2; ++b) {
      const CorePair& pair = strong.pair(a, b);
      EXPECT_GE(pair.scale, 1);
      const auto energy = [&](double r) { return evaluate(*potential, dimer(species[a], species[b], r).frame).energy; };
      for (const double part : {1.0, 0.85, 0.7, 0.55, 0.4, 0.3})
        EXPECT_GE(energy(part * pair.inner), energy(pair.outer) + 5 - 1e-6);
    }
  EXPECT_EQ(find_approaches(core, species, contacts, frames, {1, 1, 1, 1}).size(), 0u);
}

class CoreTraining : public testing::Test {
 protected:
  CoreTraining() : folder_(temporary_path("folder")) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    options.data.train = {folder_ / "train.extxyz"};
    options.data.split = 0.8;
    options.model.cutoff = cutoff;
    options.model.layers = 0;
    options.model.waves = 4;
    options.model.max_order = 1;
    options.model.readout_widths = {8, 8};
    options.optimiser.epochs = 2;
    options.optimiser.batch_frames = 5;
    options.output = folder_ / "model.safetensors";
    options.threads = 1;
    options.in_double = true;
  }
  ~CoreTraining() override { std::filesystem::remove_all(folder_); }

  /// Clusters labelled by a core alone, if there is one, else by zeros; scaled in space by `scale`.
  void write_data(const std::optional<Core>& core, double scale) {
    std::ofstream stream(folder_ / "train.extxyz");
    for (int n = 0; n < 20; ++n) {
      LabelledFrame labelled;
      labelled.frame = random_cluster({"Ni", "O"}, 8, 6.0, static_cast<unsigned>(100 + n));
      for (double& x : labelled.frame.positions) x *= scale;
      CoreTerms terms;
      terms.forces.assign(24, 0.0);
      if (core) terms = core_terms(*core, prepare_frames({&labelled, 1}, {"O", "Ni"}, cutoff, 1)[0]);
      labelled.frame.info.emplace_back("energy", fmt::format("{}", terms.energy));
      labelled.frame.columns.push_back({"forces", 3, terms.forces});
      write_extxyz(stream, labelled.frame);
    }
  }

  std::string run() {
    class Monitor final : public TrainingMonitor {
     public:
      void data_read(const DataReport&) override {}
      void core_chosen(const std::string& text) override { said = text; }
      void model_starts(int, int, const std::filesystem::path&, int) override {}
      void epoch_done(const EpochRecord& record, int, double) override { last = record; }
      void stopped_early(int, int) override {}
      void model_done(const std::vector<SetResult>& judged, const std::filesystem::path&) override { sets = judged; }
      bool stop_requested() override { return false; }
      std::string said;
      EpochRecord last;
      std::vector<SetResult> sets;
    } monitor;
    Alone alone;
    train(options, monitor, alone);
    last = monitor.last;
    sets = monitor.sets;
    return monitor.said;
  }

  std::optional<Core> core() const { return read_core(TensorFile::read(options.output)); }

  std::filesystem::path folder_;
  TrainingOptions options;
  EpochRecord last;
  std::vector<SetResult> sets;
};

TEST_F(CoreTraining, ModelsHaveOneUnlessItIsTurnedOff) {
  write_data({}, 1);
  EXPECT_THAT(run(), HasSubstr("core: repulsion"));
  ASSERT_TRUE(core().has_value());
  EXPECT_GT(core()->pair(0, 1).outer, 1.0);
  options.core = "none";
  options.overwrite = true;
  EXPECT_THAT(run(), IsEmpty());
  EXPECT_FALSE(core().has_value());
}

// What a core of the start makes of structures inside it is no business of the weights.
TEST_F(CoreTraining, WhatRemainsIsTrained) {
  write_data({}, 1.7);
  options.optimiser.epochs = 1;
  run();
  Core of_start = *core();
  ASSERT_GT(of_start.pair(0, 0).outer, 2.0);
  write_data(of_start, 1.0);
  options.start = options.output;
  options.output = folder_ / "tuned.safetensors";
  options.optimiser.learning_rate = options.optimiser.learning_rate_end = 1e-12;
  EXPECT_THAT(run(), HasSubstr("as in the model to start from"));
  EXPECT_EQ(core()->pair(0, 0), of_start.pair(0, 0));
  const double with = last.train_forces;
  ASSERT_EQ(sets.size(), 2u);
  EXPECT_NEAR(sets[0].errors.forces.root_mean_square(), with, 0.05 * with + 1e-6);  // judged by the true labels
  options.core = "none";
  options.output = folder_ / "without.safetensors";
  EXPECT_THAT(run(), HasSubstr("though the model to start from has one"));
  EXPECT_FALSE(core().has_value());
  EXPECT_GT(last.train_forces, 10 * with);
}

TEST_F(CoreTraining, AnotherChoiceIsAnotherTraining) {
  write_data({}, 1);
  run();
  options.core = "none";
  options.resume = true;
  EXPECT_THAT(error_of([&] { run(); }), AllOf(HasSubstr("core = \"auto\""), HasSubstr("core = \"none\"")));
}

}  // namespace
}  // namespace grapevine::test
