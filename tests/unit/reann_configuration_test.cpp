#include "formats/text/reann_configuration.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string head = "point= 1\n4 0 0\n0 5 0\n0 0 6\npbc 1 0 1\n";
const std::string frame_text = head + "O 15.999 1 2 3 .1 .2 .3\nH 1.008 4 5 6 -1 -2 -3\nabprop: -14.25\n";

std::vector<Frame> read(const std::string& text) {
  ReannConfigurationReader reader(std::make_unique<std::istringstream>(text), "c");
  std::vector<Frame> frames;
  for (Frame frame; reader.next(frame);) frames.push_back(frame);
  return frames;
}

std::string refusal(const std::string& text) {
  return test::error_of([&] { read(text); });
}

TEST(ReannConfiguration, HasCellPeriodicityAtomsForcesAndEnergy) {
  const std::vector<Frame> frames = read(frame_text + "\n" + frame_text);
  ASSERT_EQ(frames.size(), 2u);
  const Frame& frame = frames[1];
  EXPECT_EQ(frame.line, 10u);
  EXPECT_THAT(frame.symbols, ElementsAre("O", "H"));
  EXPECT_THAT(frame.positions, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(frame.cell, ElementsAre(4, 0, 0, 0, 5, 0, 0, 0, 6));
  EXPECT_THAT(frame.periodic, ElementsAre(true, false, true));
  EXPECT_EQ(*frame.find_info("energy"), "-14.25");
  ASSERT_NE(frame.find_column("forces"), nullptr);
  EXPECT_THAT(std::get<std::vector<double>>(frame.find_column("forces")->values), ElementsAre(.1, .2, .3, -1, -2, -3));
}

TEST(ReannConfiguration, ForcesMayBeAbsentAndPropertiesMany) {
  const std::vector<Frame> frames = read(head + "O 15.999 1 2 3\nabprop: 1 2 3\n");
  EXPECT_EQ(frames.at(0).find_column("forces"), nullptr);
  EXPECT_EQ(*frames[0].find_info("energy"), "1");
  EXPECT_EQ(*frames[0].find_info("abprop"), "2 3");
}

TEST(ReannConfiguration, WhatIsNotInTheFormatIsAnErrorWithItsLine) {
  EXPECT_THAT(refusal(head + "O 15.999 1 2 nan\nabprop: 1\n"), StartsWith("c:6: 'nan' of the coordinates"));
  EXPECT_THAT(refusal(head + "O 15.999 1 2 3 1 2 inf\nabprop: 1\n"), StartsWith("c:6: 'inf' of the forces"));
  EXPECT_THAT(refusal(head + "O 15.999 1 2 3 4\nabprop: 1\n"), StartsWith("c:6: 6 columns"));
  EXPECT_THAT(refusal(head + "O 16 1 2 3 1 1 1\nO 16 1 2 4\nabprop: 1\n"), StartsWith("c:7: some atoms"));
  EXPECT_THAT(refusal(head + "O 16 1 2 3\nO 16 1 2 4 1 1 1\nabprop: 1\n"), StartsWith("c:7: some atoms"));
  EXPECT_THAT(refusal(head + "O 16 1 2 3\nabprop: x\n"), StartsWith("c:7: 'x' of the abprop"));
  EXPECT_THAT(refusal(head + "O 16 1 2 3\nabprop:\n"), StartsWith("c:7: abprop: has no number"));
  EXPECT_THAT(refusal(head + "abprop: 1\n"), HasSubstr("without atoms"));
  EXPECT_THAT(refusal(head + "O 16 1 2 3\n\n"), HasSubstr("empty line"));
  EXPECT_THAT(refusal(head + "O 16 1 2 3\n"), HasSubstr("file ends"));
  EXPECT_THAT(refusal("point= 1\n4 0 0\n0 5\n"), StartsWith("c:3: 2 columns where a cell vector has 3"));
  EXPECT_THAT(refusal("point= 1\n4 0 0\n0 5 0\n0 0 6\nO 16 1 2 3\n"), HasSubstr("pbc 1 1 1"));
  EXPECT_THAT(refusal("point= 1\n4 0 0\n0 5 0\n0 0 6\npbc 1 2 1\n"), HasSubstr("not 0 or 1"));
}

TEST(ReannConfiguration, IsToldByItsFifthLine) {
  EXPECT_TRUE(is_reann_configuration(test::source_folder() / "tests/data/training/configuration"));
  EXPECT_FALSE(is_reann_configuration(test::golden_folder() / "three-layer/reference.extxyz"));
  EXPECT_FALSE(is_reann_configuration("/dev/null"));
  EXPECT_FALSE(is_reann_configuration("/no/such/file"));
}

TEST(ReannConfiguration, FractionalCoordinatesAreOfTheCellVectors) {
  Frame frame;
  frame.symbols = {"H"};
  frame.cell = {1, 2, 3, 10, 20, 30, 100, 200, 301};
  frame.positions = {.5, .25, 2};
  make_cartesian(frame);
  EXPECT_THAT(frame.positions, ElementsAre(203, 406, 611));
}

TEST(ReannConfiguration, DamagedTextIsReadOrRefused) {
  test::for_each_damage(test::to_bytes(frame_text), 100, 400, [](const std::vector<std::byte>& bytes) {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    test::error_of([&] { read(text); });
  });
}

}  // namespace
}  // namespace grapevine
