#include "training/data/training_data.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

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
              Contains("1 of the model's elements is in no frame of train and may be forgotten: Nb"));
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

TEST(TrainingData, WeightsOfTypesAndOfStructuresAreTold) {
  TrainingOptions options = options_of(crystal("energy=-1 config_type=liquid") + crystal("energy=-2 weight=0.5") +
                                       crystal("energy=-3 config_type=crystal forces_weight=4"));
  options.type_weights = {{"liquid", 2}};
  const TrainingData data = read_training_data(options);
  EXPECT_THAT(data.report.weights, ElementsAre("1 structures of config_type liquid count 2 times",
                                               "2 structures have weights of their own, from 0.5 to 4"));
  EXPECT_EQ(data.train[0].weights_in_loss(), (StructureWeights{2, 2, 2}));
  EXPECT_EQ(data.train[2].weights_in_loss(), (StructureWeights{1, 4, 1}));
  options.type_weights = {{"gas", 2}};
  EXPECT_THAT(refusal(options),
              HasSubstr("--weight gas=2: no structure of train or valid has config_type=gas, only crystal, liquid"));
}

TEST(TrainingData, WeightsThatLeaveNothingAreAnError) {
  EXPECT_THAT(refusal(options_of(crystal("energy=-1 weight=0") + crystal("energy=-2 weight=0"))),
              HasSubstr("leave nothing to train on"));
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

const std::string alone = "1\npbc=\"F F F\" energy=-1 Properties=species:S:1:pos:R:3\nW 0 0 0\n";

TEST(TrainingData, IsolatedAtomsCountWhereTheUserSaysSo) {
  TrainingOptions options = options_of(three + alone);
  EXPECT_THAT(warnings_of(options), Contains(HasSubstr("--isolated-atom-frames")));
  EXPECT_THAT(read_training_data(options).report.isolated_atoms, IsEmpty());
  options.data.isolated_atom_frames = true;
  const TrainingData data = read_training_data(options);
  EXPECT_THAT(data.report.warnings, IsEmpty());
  EXPECT_THAT(data.report.isolated_atoms, ElementsAre(Pair("W", -1)));
  EXPECT_EQ(data.train.size(), 3u);
  options.isolated_atoms["W"] = -2;
  EXPECT_THAT(warnings_of(options), ElementsAre(HasSubstr("--isolated-atom W=-2 goes before the structure")));
  options = options_of(three);
  options.data.isolated_atom_frames = true;
  EXPECT_THAT(refusal(options), HasSubstr("--isolated-atom-frames: no structure of train is one atom alone"));
}

TEST(TrainingData, IsolatedAtomsThatContradictEachOtherAreRefused) {
  std::string other = alone;
  other.replace(other.find("-1"), 2, "-9");
  TrainingOptions options = options_of(three + alone + other);
  options.data.isolated_atom_frames = true;
  EXPECT_THAT(refusal(options), HasSubstr("frame 5: an atom of W alone has the energy -9 eV, another one -1 eV"));
}

TEST(TrainingData, IsolatedAtomsOfValidationAreLeftOut) {
  TrainingOptions options = options_of(three);
  options.data.valid = {write("valid.extxyz", three + alone)};
  EXPECT_THAT(warnings_of(options), ElementsAre("1 of 4 frames of valid are one atom alone and left out"));
  EXPECT_EQ(read_training_data(options).valid.size(), 3u);
}

TEST(TrainingData, EnergiesOfIsolatedAtomsAreOfElementsThatAreThere) {
  TrainingOptions options = options_of(three);
  options.isolated_atoms["Cu"] = -4.5;
  EXPECT_THAT(refusal(options), HasSubstr("--isolated-atom Cu=-4.5: no structure of train has this element, only W"));
}

TEST(TrainingData, ElementsOfFixedProportionsAreTold) {
  const std::string alloy = crystal("energy=-1", "W", "Ta");
  EXPECT_THAT(read_training_data(options_of(alloy + alloy + alloy)).report.undetermined, ElementsAre("Ta", "W"));
  EXPECT_THAT(read_training_data(options_of(three)).report.undetermined, IsEmpty());
}

TEST(TrainingData, ValidationThatWeighsNothingIsToldOf) {
  TrainingOptions options = options_of(three);
  options.data.valid = {write("valid.extxyz", crystal("energy=-1"))};
  EXPECT_THAT(warnings_of(options), IsEmpty());
  std::string bare = crystal("energy=-1");
  bare.replace(bare.find("forces:R:3"), 10, "xorces:R:3");
  options.data.valid = {write("valid.extxyz", bare)};
  options.loss.energy = options.loss.energy_end = 0;
  EXPECT_THAT(warnings_of(options), Contains(HasSubstr("nothing that the loss has a weight for: the model of the last "
                                                       "epoch is kept")));
  EXPECT_THAT(warnings_of(options_of(crystal("energy=-1"))),
              Contains("there are no structures to validate with: the model of the last epoch is kept"));
}

TEST(TrainingData, StressesOfSlabsAreToldOf) {
  const std::string stress = "energy=-1 stress=\"0.01 0.01 0.01 0 0 0\"";
  TrainingOptions options = options_of(crystal(stress + " pbc=\"T T F\"") + crystal(stress) + crystal(stress));
  options.loss.virial = options.loss.virial_end = 1;
  EXPECT_THAT(warnings_of(options),
              Contains(HasSubstr("1 of 3 frames of train have a stress and are not periodic in three")));
  options.data.train = {write("slab.extxyz", crystal(stress + " pbc=\"T T F\""))};
  EXPECT_THAT(refusal(options),
              AllOf(HasSubstr("no structure of train has a virial; 1 of 1 frames of train have a stress"),
                    HasSubstr("give the virial")));
}

TEST(TrainingData, StressesThatCanOnlyBeInOtherUnitsAreToldOf) {
  const auto with = [](const std::string& stress) { return crystal("energy=-1 stress=\"" + stress + "\""); };
  const std::string kbar = with("-251 14 73 14 -229 -12 73 -12 56");
  TrainingOptions options = options_of(kbar + kbar + kbar);
  options.loss.virial = options.loss.virial_end = 1;
  EXPECT_THAT(warnings_of(options), ElementsAre(AllOf(HasSubstr("251 eV/A^3"), HasSubstr("kbar or GPa"))));
  const std::string sound = with("-0.157 0 0 0 -0.14 0 0 0 0.03");
  options.data.train = {write("sound.extxyz", sound + sound + kbar)};
  EXPECT_THAT(warnings_of(options), IsEmpty());
}

TEST(TrainingData, EnergyFarOffTheOthersIsPointedAt) {
  std::string text;
  for (int n = 0; n < 30; ++n) text += crystal("energy=" + std::to_string(n == 16 ? -2150.0 : -21.5 + 0.01 * (n % 7)));
  EXPECT_THAT(warnings_of(options_of(text)), ElementsAre(HasSubstr("train.extxyz:65: frame 17: its energy is -1.06e+03 "
                                                                   "eV/atom off")));
}

TEST(TrainingData, IsolatedAtomIsNotFarOffTheOthers) {
  std::string text = alone;
  for (int n = 0; n < 30; ++n) text += crystal("energy=" + std::to_string(-21.5 + 0.01 * (n % 7)));
  EXPECT_THAT(warnings_of(options_of(text)),
              ElementsAre("1 of 31 frames of train have no forces", HasSubstr("1 of 31 frames of train are one atom")));
}

TEST(TrainingData, LargeFramesCountToo) {
  constexpr int cells = 14;
  std::string text = std::to_string(2 * cells * cells * cells) + "\nLattice=\"42 0 0 0 42 0 0 0 42\" energy=-1\n";
  for (int n = 0; n < cells * cells * cells; ++n)
    for (const double corner : {0.0, 1.5})
      text += "W " + std::to_string(3 * (n % cells) + corner) + " " + std::to_string(3 * (n / cells % cells) + corner) +
              " " + std::to_string(3 * (n / cells / cells) + corner) + "\n";
  const DataReport report = read_training_data(options_of(text)).report;
  EXPECT_EQ(report.neighbours.frames, 1u);
  EXPECT_EQ(report.neighbours.per_atom, 50);
  EXPECT_EQ(report.bytes, 28.0 * 2 * cells * cells * cells * 50);
}

TEST(TrainingData, AtomsOnTopOfEachOtherAreCountedFromOne) {
  std::string text = three;
  text.replace(text.find("1.5 1.5 1.5"), 11, "0.0 0.0 0.0");
  EXPECT_THAT(refusal(options_of(text)), HasSubstr("frame 1: atoms 1 (W) and 2 (W) are only 0 Angstrom apart"));
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
