#include "training/data/dataset.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <numeric>

#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::filesystem::path write(const std::string& name, const std::string& text) {
  const std::filesystem::path path = test::temporary_path(name);
  std::ofstream(path) << text;
  return path;
}

std::vector<LabelledFrame> read(const std::string& text, const ReferenceKeys& keys = {}) {
  return read_labelled_frames(write("frames.extxyz", text), keys);
}

std::string refusal(const std::string& text) {
  return test::error_of([&] { read(text); });
}

std::string one_atom(const std::string& comment, const std::string& atom = "H 0 0 0") {
  return "1\nProperties=species:S:1:pos:R:3 " + comment + "\n" + atom + "\n";
}

std::vector<LabelledFrame> frames_of(const std::vector<std::string>& symbols) {
  std::vector<LabelledFrame> frames(symbols.size());
  for (std::size_t f = 0; f < symbols.size(); ++f) {
    frames[f].frame.symbols = {symbols[f]};
    frames[f].frame.positions = {0, 0, 0};
  }
  return frames;
}

TEST(LabelledFrames, KeepReferenceAndPlaceAndDropTheRest) {
  const auto frames = read(one_atom("energy=-1 name=a") +
                           "1\nProperties=species:S:1:pos:R:3:REF_forces:R:3:tag:I:1\n"
                           "O 1 2 3 4 5 6 7\n");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].reference.energy, -1);
  EXPECT_FALSE(frames[0].reference.forces);
  EXPECT_THAT(frames[1].reference.forces.value(), ElementsAre(4, 5, 6));
  EXPECT_TRUE(frames[0].frame.info.empty());
  EXPECT_TRUE(frames[1].frame.columns.empty());
  EXPECT_THAT(frames[1].place, HasSubstr("frames.extxyz:4: frame 2"));
}

TEST(LabelledFrames, WeightsAreThoseOfTheHeader) {
  const auto weights = [](const std::string& comment) { return read(one_atom("energy=-1 " + comment))[0].weights; };
  EXPECT_EQ(weights(""), StructureWeights());
  EXPECT_EQ(weights("weight=2"), (StructureWeights{2, 2, 2}));
  EXPECT_EQ(weights("Config_Weight=0.5 config_energy_weight=0 config_forces_weight=10 config_virials_weight=4"),
            (StructureWeights{0, 5, 2}));
  EXPECT_EQ(weights("energy_weight=2 forces_weight=3 virial_weight=4"), (StructureWeights{2, 3, 4}));
  EXPECT_EQ(weights("config_stress_weight=4"), (StructureWeights{1, 1, 4}));
  EXPECT_EQ(read(one_atom("energy=-1 config_type=\"a liquid\""))[0].config_type, "a liquid");
}

TEST(LabelledFrames, WeightsThatAreNoneAreErrors) {
  EXPECT_THAT(refusal(one_atom("weight=-1")), HasSubstr("frame 1: weight=\"-1\" is not a weight: a number from 0 to"));
  EXPECT_THAT(refusal(one_atom("config_weight=heavy")), HasSubstr("config_weight=\"heavy\" is not a weight"));
  EXPECT_THAT(refusal(one_atom("forces_weight=\"1 2\"")), HasSubstr("is not a weight"));
  EXPECT_THAT(refusal(one_atom("weight=inf")), HasSubstr("is not a weight"));
  EXPECT_THAT(refusal(one_atom("weight=1 config_weight=2")),
              HasSubstr("weight and config_weight are the same weight under two names"));
}

TEST(LabelledFrames, FrameWithoutReferenceIsThereAndSaysSo) {
  const auto frames = read(one_atom("energy=-1") + one_atom("name=b"));
  EXPECT_TRUE(has_reference(frames.at(0)));
  EXPECT_FALSE(has_reference(frames.at(1)));
}

TEST(LabelledFrames, BadInputNamesFileLineAndFrame) {
  const std::string good = one_atom("energy=1");
  EXPECT_THAT(refusal(good + one_atom("energy=nan")), HasSubstr("frames.extxyz:4: frame 2: energy=\"nan\""));
  EXPECT_THAT(refusal(good + one_atom("energy=1", "H 0 nan 0")), HasSubstr("frames.extxyz:6: 'nan' of pos"));
  EXPECT_THAT(refusal(good + one_atom("energy=1", "H 0 nan 0")), HasSubstr("(frame 2)"));
  EXPECT_THAT(refusal(good + one_atom("energy=1", "H 0 0")), HasSubstr("frames.extxyz:6: 3 columns where 4"));
  EXPECT_THAT(refusal(good + one_atom("energy=1", "Xx 0 0 0")), HasSubstr("frame 2: 'Xx' is not the symbol"));
  EXPECT_THAT(refusal(good + one_atom("energy=1 virial=\"1 2\"")), HasSubstr("frame 2: virial has 2 numbers"));
  EXPECT_THAT(refusal(one_atom("energy=1 Lattice=\"1 0 0 1 0 0 0 0 1\"")), HasSubstr("frame 1: the cell vectors"));
  EXPECT_THAT(refusal(""), HasSubstr("no structures"));
  EXPECT_THAT(test::error_of([] { read_labelled_frames("/no/such/file", {}); }), HasSubstr("cannot open"));
}

TEST(LabelledFrames, InReannsFormatNeedToSayWhatCoordinatesAre) {
  const auto folder = test::source_folder() / "tests/data/training";
  EXPECT_THAT(test::error_of([&] { read_labelled_frames(folder, {}); }), HasSubstr("may be fractional"));
  const auto fractional = read_labelled_frames(folder, {"other", "", ""}, ReannCoordinates::fractional);
  ASSERT_EQ(fractional.size(), 2u);
  EXPECT_THAT(fractional[0].frame.positions, ElementsAre(5, 5, 10, 6, 5, 10));
  EXPECT_EQ(fractional[0].reference.energy, -14.25);
  EXPECT_THAT(fractional[0].reference.forces.value(), ElementsAre(.25, -.5, 1, -.25, .5, -1));
  EXPECT_FALSE(fractional[1].reference.forces);
  const auto cartesian = read_labelled_frames(folder / "configuration", {}, ReannCoordinates::cartesian);
  EXPECT_THAT(cartesian[0].frame.positions, ElementsAre(.5, .5, .5, .6, .5, .5));
}

TEST(LabelledFrames, InReannsFormatAreCartesianWhereTheyLookIt) {
  const auto path = write("configuration", "point= 1\n9 0 0\n0 9 0\n0 0 9\npbc 1 1 1\nH 1 0 0 5.5\nabprop: -1\n");
  EXPECT_THAT(read_labelled_frames(path, {}).at(0).frame.positions, ElementsAre(0, 0, 5.5));
}

TEST(LabelledFrames, InReannsFormatHaveEnergiesOnly) {
  const auto path = write("configuration", "point= 1\n9 0 0\n0 9 0\n0 0 9\npbc 1 1 1\nH 1 0 0 5.5\nabprop: 1 2 3\n");
  EXPECT_THAT(test::error_of([&] { read_labelled_frames(path, {}); }), HasSubstr("frame 1: abprop: has more than one"));
}

TEST(LabelledFrames, FolderWithoutConfigurationIsRefused) {
  EXPECT_THAT(test::error_of([] { read_labelled_frames(test::source_folder(), {}); }),
              HasSubstr("folder without a file configuration"));
}

TEST(FrameSplit, PartsAllFramesBySeedAlone) {
  const auto frames = frames_of(std::vector<std::string>(100, "H"));
  const FrameSplit split = split_frames(frames, 0.8, 1);
  EXPECT_EQ(split.train.size(), 80u);
  std::vector<std::size_t> all = split.train;
  all.insert(all.end(), split.valid.begin(), split.valid.end());
  std::sort(all.begin(), all.end());
  for (std::size_t n = 0; n < 100; ++n) EXPECT_EQ(all[n], n);
  EXPECT_EQ(split_frames(frames, 0.8, 1).valid, split.valid);
  EXPECT_NE(split_frames(frames, 0.8, 2).valid, split.valid);
}

// The order is that of std::mt19937_64, which the standard fixes: a change would alter published splits.
TEST(FrameSplit, IsTheSameOnAllPlatforms) {
  EXPECT_THAT(split_frames(frames_of(std::vector<std::string>(20, "H")), 0.75, 7).valid, ElementsAre(6, 8, 10, 13, 15));
}

TEST(FrameSplit, LeavesNeitherPartEmptyWhereItCan) {
  const auto frames = frames_of({"H", "H", "H"});
  EXPECT_EQ(split_frames(frames, 0.99, 1).valid.size(), 1u);
  EXPECT_EQ(split_frames(frames, 0.01, 1).train.size(), 1u);
  EXPECT_EQ(split_frames(frames_of({"H"}), 0.5, 1).train.size(), 1u);
  EXPECT_TRUE(split_frames({}, 0.5, 1).train.empty());
}

TEST(FrameSplit, NeverValidatesWithIsolatedAtoms) {
  auto frames = frames_of(std::vector<std::string>(20, "H"));
  for (const std::size_t alone : {3u, 11u, 19u}) frames[alone].reference.energy = -13.6;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const FrameSplit split = split_frames(frames, 0.5, seed);
    EXPECT_EQ(split.train.size(), 3u + 9u);
    EXPECT_EQ(split.valid.size(), 8u);
    for (const std::size_t alone : {3u, 11u, 19u})
      EXPECT_FALSE(std::binary_search(split.valid.begin(), split.valid.end(), alone));
  }
}

TEST(FrameSplit, TrainsOnEveryElement) {
  std::vector<std::string> symbols(50, "H");
  symbols[17] = "W";
  symbols[33] = "O";
  const auto frames = frames_of(symbols);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<std::size_t> train = split_frames(frames, 0.5, seed).train;
    EXPECT_TRUE(std::binary_search(train.begin(), train.end(), 17u));
    EXPECT_TRUE(std::binary_search(train.begin(), train.end(), 33u));
  }
}

TEST(DataSummary, CountsFramesAtomsElementsAndReferences) {
  auto frames = frames_of({"H", "O", "H"});
  frames[0].reference.energy = -1;
  frames[1].reference.forces = {0, 0, 0};
  frames[1].frame.cell = {2, 0, 0, 0, 2, 0, 0, 0, 2};
  frames[1].frame.periodic = {true, true, true};
  frames[2].frame.symbols = {"H", "O"};
  frames[2].reference.virial.emplace();
  const DataSummary summary = summarise(frames);
  EXPECT_EQ(summary.frames, 3u);
  EXPECT_EQ(summary.atoms, 4u);
  EXPECT_EQ(summary.with_energy, 1u);
  EXPECT_EQ(summary.with_forces, 1u);
  EXPECT_EQ(summary.with_virial, 1u);
  EXPECT_EQ(summary.isolated_atoms, 1u);
  EXPECT_EQ(summary.smallest, 1u);
  EXPECT_EQ(summary.largest, 2u);
  EXPECT_EQ(summary.volume_per_atom.low, 8);
  EXPECT_EQ(summary.volume_per_atom.high, 8);
  EXPECT_EQ(summary.elements.at("H").frames, 2u);
  EXPECT_EQ(summary.elements.at("O").atoms, 2u);
}

TEST(Elements, AreInTheOrderOfAtomicNumbers) {
  EXPECT_THAT(elements_of(frames_of({"W", "H", "Ta", "O", "H"})), ElementsAre("H", "O", "Ta", "W"));
}

}  // namespace
}  // namespace grapevine
