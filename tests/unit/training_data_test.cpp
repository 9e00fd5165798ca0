#include "training/training_data.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::Contains;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::filesystem::path write(const std::string& name, const std::string& text) {
  const std::filesystem::path path = test::temporary_path(name);
  std::ofstream(path) << text;
  return path;
}

/// A body-centred cubic crystal of two atoms at a distance of 2.6 Angstrom.
std::string crystal(const std::string& values, const std::string& first = "W", const std::string& second = "W") {
  return "2\nLattice=\"3 0 0 0 3 0 0 0 3\" Properties=species:S:1:pos:R:3:forces:R:3 " + values + "\n" + first +
         " 0 0 0 1 2 3\n" + second + " 1.5 1.5 1.5 -1 -2 -3\n";
}

TrainingOptions options_of(const std::string& text) {
  TrainingOptions options;
  options.data.train = {write("train.extxyz", text)};
  options.output = "model.safetensors";
  return options;
}

std::string refusal(const TrainingOptions& options) {
  return test::error_of([&] { read_training_data(options); });
}

std::vector<std::string> warnings_of(const TrainingOptions& options) {
  return read_training_data(options).report.warnings;
}

const std::string three = crystal("energy=-1") + crystal("energy=-2") + crystal("energy=-3");

TEST(TrainingData, SoundDataPassWithoutWarning) {
  const TrainingData data = read_training_data(options_of(three));
  EXPECT_THAT(data.report.warnings, IsEmpty());
  EXPECT_EQ(data.train.size(), 3u);
  EXPECT_EQ(data.report.split_off, 1u);
  EXPECT_THAT(data.report.species, ElementsAre("W"));
  // Shells of the lattice within 5 Angstrom: 8, 6, 12 and 24 neighbours.
  EXPECT_EQ(data.report.neighbours.per_atom, 50);
  EXPECT_THAT(*data.report.neighbours.nearest, DoubleNear(2.598, 1e-3));
  EXPECT_EQ(data.report.bytes, 28 * 6 * 50);
}

TEST(TrainingData, WithoutReferenceAreLeftOutAndCounted) {
  const TrainingData data =
      read_training_data(options_of(three + "1\nProperties=species:S:1:pos:R:3 name=x\nW 0 0 0\n"));
  EXPECT_EQ(data.train.size(), 3u);
  EXPECT_THAT(data.report.warnings, ElementsAre(HasSubstr("1 of 4 frames have no reference values")));
}

TEST(TrainingData, FileWithoutAnyReferenceIsAnErrorThatNamesWhatThereIs) {
  EXPECT_THAT(refusal(options_of("1\nProperties=species:S:1:pos:R:3:f_pbe:R:3 e_pbe=-1\nW 0 0 0 1 2 3\n")),
              HasSubstr("no frame has reference values; its first frame has e_pbe, f_pbe"));
}

TEST(TrainingData, NamedKeyThatNoFrameHasIsAnError) {
  TrainingOptions options = options_of(three);
  options.data.keys.energy = "e_pbe";
  EXPECT_THAT(refusal(options), HasSubstr("no frame has an energy under the name 'e_pbe'; its first frame has energy, "
                                          "forces"));
}

TEST(TrainingData, PartlyMissingReferencesAreCounted) {
  EXPECT_THAT(warnings_of(options_of(three + crystal("name=x"))), ElementsAre("1 of 4 frames of train have no energy"));
}

TEST(TrainingData, ElementsHaveToFitTheModel) {
  TrainingOptions options = options_of(three + crystal("energy=-4", "Ta"));
  EXPECT_THAT(warnings_of(options), ElementsAre("element Ta is in 1 frame of train only (1 atom)"));
  options.model.species = {"W"};
  EXPECT_THAT(refusal(options), HasSubstr("train.extxyz:13: frame 4: element Ta is not one of the model's, W"));
  options.model.species = {"W", "Ta", "Nb"};
  EXPECT_THAT(refusal(options), HasSubstr("no structure of train has the element Nb"));
  options.start = "model";
  EXPECT_THAT(read_training_data(options, {"W", "Ta", "Nb"}).report.warnings,
              Contains("element Nb is in 0 frames of train only (0 atoms)"));
}

TEST(TrainingData, ElementsOfOtherSetsHaveToFitTheModel) {
  TrainingOptions options = options_of(three);
  options.data.test = {write("test.extxyz", crystal("energy=-1", "Ta"))};
  EXPECT_THAT(refusal(options), HasSubstr("test.extxyz:1: frame 1: element Ta"));
}

TEST(TrainingData, FileInTwoSetsIsWarnedOf) {
  TrainingOptions options = options_of(three);
  options.data.valid = options.data.train;
  EXPECT_THAT(warnings_of(options), ElementsAre(HasSubstr("is among the files of both train and valid")));
}

TEST(TrainingData, VirialInTheLossNeedsVirials) {
  TrainingOptions options = options_of(three);
  options.loss.virial = options.loss.virial_end = 1;
  EXPECT_THAT(refusal(options), HasSubstr("no structure of train has a virial"));
  options.data.train = {write("virial.extxyz", three + crystal("energy=-1 stress=\"1 1 1 0 0 0\""))};
  EXPECT_THAT(warnings_of(options), ElementsAre("3 of 4 frames of train have no virial"));
  options.loss.virial = options.loss.virial_end = 0;
  EXPECT_THAT(warnings_of(options), Contains(HasSubstr("1 frames of train have a virial, which is not used")));
}

TEST(TrainingData, CutoffBeyondSenseIsToldOf) {
  TrainingOptions options = options_of(three);
  options.model.cutoff = 2;
  EXPECT_THAT(refusal(options), HasSubstr("no atom has a neighbour within the cutoff of 2"));
  options.model.cutoff = 12;
  EXPECT_THAT(warnings_of(options), ElementsAre(HasSubstr("neighbours per atom: training will be slow")));
}

TEST(TrainingData, AtomsTooNearEachOtherAreToldOf) {
  std::string text = three;
  text.replace(text.find("1.5 1.5 1.5"), 11, "0.1 0.1 0.1");
  EXPECT_THAT(warnings_of(options_of(text)), ElementsAre(HasSubstr("shortest distance is 0.173")));
  text.replace(text.find("0.1 0.1 0.1"), 11, "0.0 0.0 0.0");
  EXPECT_THAT(refusal(options_of(text)), HasSubstr("train.extxyz:1: frame 1: "));
}

TEST(TrainingData, IsolatedAtomsCountWhereTheUserSaysSo) {
  TrainingOptions options = options_of(three + "1\npbc=\"F F F\" energy=-1 Properties=species:S:1:pos:R:3\nW 0 0 0\n");
  EXPECT_THAT(warnings_of(options), Contains(HasSubstr("--isolated-atom-frames")));
  options.data.isolated_atom_frames = true;
  EXPECT_THAT(warnings_of(options), Not(Contains(HasSubstr("--isolated-atom-frames"))));
}

TEST(Memory, IsReadFromMeminfo) {
  std::istringstream meminfo("MemTotal:  100 kB\nMemFree: 10 kB\nMemAvailable:    50 kB\n");
  EXPECT_EQ(available_memory(meminfo), 51200);
  std::istringstream other("MemTotal:  100 kB\n");
  EXPECT_EQ(available_memory(other), std::nullopt);
  EXPECT_EQ(format_bytes(3.21e9), "3.21 GB");
  EXPECT_EQ(format_bytes(12), "12 B");
}

TEST(Memory, ThatIsNotThereIsAnError) {
  EXPECT_EQ(test::error_of([] { check_memory(10e9, 11e9, "lists", "use less"); }), "");
  EXPECT_EQ(test::error_of([] { check_memory(10e9, std::nullopt, "lists", "use less"); }), "");
  EXPECT_EQ(test::error_of([] { check_memory(12e9, 11e9, "lists", "use less"); }),
            "lists take about 12 GB, but only 11 GB of memory are free; use less");
}

TEST(TrainingData, OfPublishedFilesAreSound) {
  const auto folder = test::shared_folder() / "data";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no shared material beside the checkout";
  TrainingOptions options;
  options.data.train = {folder / "lithium/train.extxyz"};
  options.data.test = {folder / "lithium/test.extxyz"};
  const DataReport report = read_training_data(options).report;
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_EQ(report.train.frames, 241u);
  EXPECT_EQ(report.train.atoms, 11576u);
  EXPECT_EQ(report.train.with_forces, 241u);
  EXPECT_EQ(report.test.frames, 29u);
}

}  // namespace
}  // namespace grapevine
