#include "structures/reference_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <sstream>

#include "structures/result_frame.hpp"
#include "support/error.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;

Frame cube() {
  Frame frame;
  frame.symbols = {"H"};
  frame.positions = {0, 0, 0};
  frame.cell = {2, 0, 0, 0, 2, 0, 0, 0, 2};
  frame.periodic = {true, true, true};
  return frame;
}

std::vector<std::string> info_names(const Frame& frame) {
  std::vector<std::string> names;
  for (const auto& pair : frame.info) names.push_back(pair.first);
  return names;
}

std::vector<std::string> column_names(const Frame& frame) {
  std::vector<std::string> names;
  for (const Column& column : frame.columns) names.push_back(column.name);
  return names;
}

FrameResult some_result() {
  FrameResult result;
  result.energy = -3;
  result.energies = {-3};
  result.forces = {1, 2, 3};
  result.virial = {8, 0, 0, 0, 16, 0, 0, 0, 24};
  return result;
}

const Origin origin{"alloy.safetensors", "0123abcd", "mixed", "1.2.3"};

TEST(ReferenceValues, AreFoundUnderTheUsualNamesBestFirst) {
  Frame frame = cube();
  frame.info = {{"energy", "-1"}, {"REF_energy", "-2"}, {"virial", "1 2 3 4 5 6 7 8 9"}, {"stress", "0 0 0 0 0 1"}};
  frame.columns.push_back({"force", 3, std::vector<double>{1, 2, 3}});
  const ReferenceValues values = find_reference_values(frame, {});
  EXPECT_EQ(values.energy, -2);
  EXPECT_THAT(values.forces.value(), ElementsAre(1, 2, 3));
  EXPECT_THAT(values.virial.value(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST(ReferenceValues, AreAbsentWhereTheFileHasNone) {
  const ReferenceValues values = find_reference_values(cube(), {});
  EXPECT_FALSE(values.energy || values.forces || values.virial);
}

TEST(ReferenceValues, GivenNamesAreTheOnlyOnes) {
  Frame frame = cube();
  frame.info = {{"energy", "-1"}, {"e_pbe", "-2"}, {"pbe_Stress", "1 1 1 0 0 0"}};
  const ReferenceValues values = find_reference_values(frame, {"e_pbe", "f_pbe", "pbe_Stress"});
  EXPECT_EQ(values.energy, -2);
  EXPECT_FALSE(values.forces);
  EXPECT_THAT(values.virial.value(), ElementsAre(-8, 0, 0, 0, -8, 0, 0, 0, -8));
}

TEST(ReferenceValues, StressInVoigtOrderBecomesAVirialWithTheOtherSign) {
  Frame frame = cube();
  frame.info = {{"stress", "1 2 3 4 5 6"}};
  EXPECT_THAT(find_reference_values(frame, {}).virial.value(), ElementsAre(-8, -48, -40, -48, -16, -32, -40, -32, -24));
  frame.periodic[2] = false;
  EXPECT_FALSE(find_reference_values(frame, {}).virial);
}

TEST(ReferenceValues, HaveTheNamesOfMaceAndOthers) {
  Frame frame = cube();
  frame.info = {{"REF_virials", "1 2 3 4 5 6 7 8 9"}, {"REF_stress", "0 0 0 0 0 1"}, {"free_energy", "-3"}};
  frame.columns.push_back({"REF_forces", 3, std::vector<double>{1, 2, 3}});
  ReferenceValues values = find_reference_values(frame, {});
  EXPECT_EQ(values.energy, -3);
  EXPECT_THAT(values.forces.value(), ElementsAre(1, 2, 3));
  EXPECT_THAT(values.virial.value(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  frame.info = {{"free_energy", "-3"}, {"energy", "-2"}, {"virials", "1 1 1 0 0 0"}};
  values = find_reference_values(frame, {});
  EXPECT_EQ(values.energy, -2);
  EXPECT_THAT(values.virial.value(), ElementsAre(1, 0, 0, 0, 1, 0, 0, 0, 1));
  frame.info = {{"energy", "-2"}, {"dft_energy", "-1"}, {"dft_virial", "2 2 2 0 0 0"}};
  values = find_reference_values(frame, {});
  EXPECT_EQ(values.energy, -1);
  EXPECT_THAT(values.virial.value(), ElementsAre(2, 0, 0, 0, 2, 0, 0, 0, 2));
}

TEST(ReferenceValues, WithAPrefixGoBeforeThoseWithout) {
  Frame frame = cube();
  frame.info = {{"virial", "1 2 3 4 5 6 7 8 9"}, {"REF_stress", "1 1 1 0 0 0"}};
  EXPECT_THAT(find_reference_values(frame, {}).virial.value(), ElementsAre(-8, 0, 0, 0, -8, 0, 0, 0, -8));
}

TEST(ReferenceValues, ThatAreNotWhatTheirNameSaysAreErrors) {
  Frame frame = cube();
  frame.info = {{"energy", "low"}};
  EXPECT_THROW(find_reference_values(frame, {}), Error);
  frame.info = {{"energy", "1 2"}};
  EXPECT_THROW(find_reference_values(frame, {}), Error);
  frame.info = {{"virial", "1 2"}};
  EXPECT_THROW(find_reference_values(frame, {}), Error);
  frame.info.clear();
  frame.columns.push_back({"forces", 1, std::vector<double>{1}});
  EXPECT_THROW(find_reference_values(frame, {}), Error);
  frame.columns[0] = {"forces", 3, std::vector<std::string>{"a", "b", "c"}};
  EXPECT_THROW(find_reference_values(frame, {}), Error);
}

TEST(ResultFrame, SetsReferenceValuesAsideInTheirPlace) {
  Frame frame = cube();
  frame.info = {{"name", "x"}, {"energy", "-1"}, {"REF_energy", "-2"}, {"stress", "0"}, {"charge", "0"}};
  frame.columns = {{"forces", 3, std::vector<double>{7, 7, 7}}, {"tag", 1, std::vector<std::int64_t>{1}}};
  const Frame result = with_results(frame, some_result(), origin);
  EXPECT_THAT(info_names(result),
              ElementsAre("name", "reference_energy", "REF_energy", "reference_stress", "charge", "evaluated_by",
                          "grapevine_model", "grapevine_model_sha256", "grapevine_precision", "grapevine_version",
                          "energy", "virial", "stress"));
  EXPECT_THAT(column_names(result), ElementsAre("reference_forces", "tag", "forces", "energies"));
  EXPECT_EQ(*result.find_info("stress"), "-1 -0 -0 -0 -2 -0 -0 -0 -3");
}

TEST(ResultFrame, OfAResultFrameKeepsTheReferenceAndReplacesResults) {
  Frame frame = cube();
  frame.info = {{"energy", "-1"}};
  const Frame once = with_results(frame, some_result(), origin);
  const Frame twice = with_results(once, some_result(), {"other.safetensors", "4567", "double", "1.2.4"});
  EXPECT_THAT(info_names(twice),
              ElementsAre("reference_energy", "evaluated_by", "grapevine_model", "grapevine_model_sha256",
                          "grapevine_precision", "grapevine_version", "energy", "virial", "stress"));
  EXPECT_EQ(*twice.find_info("grapevine_model"), "other.safetensors");
  EXPECT_EQ(*twice.find_info("grapevine_model_sha256"), "4567");
  EXPECT_THAT(column_names(twice), ElementsAre("forces", "energies"));
  EXPECT_EQ(*twice.find_info("reference_energy"), "-1");
  const ReferenceValues values = find_reference_values(twice, {});
  EXPECT_EQ(values.energy, -1);
  EXPECT_FALSE(values.forces || values.virial);
}

TEST(ResultFrame, KeepsTheOriginOfItsOwnResultsAndOfReferenceValues) {
  Frame labelled = cube();
  labelled.info = {{"energy", "-1"}, {"grapevine_model", "teacher.safetensors"}, {"grapevine_version", "0.9"}};
  const Frame result = with_results(labelled, some_result(), origin);
  EXPECT_EQ(*result.find_info("reference_grapevine_model"), "teacher.safetensors");
  EXPECT_EQ(*result.find_info("reference_grapevine_version"), "0.9");
  EXPECT_EQ(*result.find_info("grapevine_model"), "alloy.safetensors");
  EXPECT_EQ(*result.find_info("grapevine_model_sha256"), "0123abcd");
  EXPECT_EQ(*result.find_info("grapevine_precision"), "mixed");
  EXPECT_EQ(*result.find_info("grapevine_version"), "1.2.3");
}

TEST(ResultFrame, HasStressBetweenPeriodicDirections) {
  Frame frame = cube();
  frame.periodic[1] = false;
  const std::array<double, 9> stress = stress_of(frame, some_result()).value();
  EXPECT_THAT(stress, ElementsAre(-1, 0, 0, 0, 0, 0, 0, 0, -3));
  EXPECT_NE(with_results(frame, some_result(), origin).find_info("stress"), nullptr);
  frame.periodic = {false, false, false};
  EXPECT_EQ(with_results(frame, some_result(), origin).find_info("stress"), nullptr);
}

TEST(ReferenceValues, ForcesThatAreNotNumbersAreNamed) {
  ExtxyzReader reader(std::make_unique<std::istringstream>("1\nProperties=species:S:1:pos:R:3:forces:R:3:magmoms:R:1\n"
                                                           "W 0 0 0 0 nan 0 nan\n"),
                      "test.xyz");
  Frame frame;
  ASSERT_TRUE(reader.next(frame)) << "what is not used is no reason to refuse a file";
  EXPECT_EQ(test::error_of([&] { find_reference_values(frame, {}); }),
            "line 3: 'nan' of forces of atom 1 is not a finite number");
}

}  // namespace
}  // namespace grapevine
