#include "formats/text/para_file.hpp"

#include <gmock/gmock.h>

#include "test_files.hpp"

namespace grapevine {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal(const std::string& text) {
  return error_of([&] { ParaFile::parse(text, "input_nn"); });
}

TEST(ParaFile, ReadsValuesCommentsAndOddIndentation) {
  const ParaFile para = ParaFile::parse(
      "#=== header ===\n"
      "   cutoff=5.2   # Angstrom\r\n"
      "\tatomtype=['Ti', \"O\"]\n"
      "nwave = 7\n"
      "end_lr =1e-5\n"
      "shift=-.5; norbit=None\n"
      "table_norm=True\n"
      "nl = [ [32, # first\n   16,], [8] ]\n"
      "activate = 'Relu_like' # done",
      "input_nn");
  EXPECT_EQ(para.number("cutoff"), 5.2);
  EXPECT_EQ(para.number("nwave"), 7);
  EXPECT_EQ(para.number("end_lr"), 1e-5);
  EXPECT_EQ(para.number("shift"), -0.5);
  EXPECT_THAT(*para.texts("atomtype"), ElementsAre("Ti", "O"));
  EXPECT_EQ(para.text("activate"), "Relu_like");
  EXPECT_EQ(para.where("activate"), "input_nn:10");
  EXPECT_EQ(para.number("norbit"), std::nullopt);
  EXPECT_EQ(para.number("not_there"), std::nullopt);
}

TEST(ParaFile, OfARepeatedNameTheLastCounts) {
  const ParaFile para = ParaFile::parse("nwave=7\nnwave=8\n", "input_nn");
  EXPECT_EQ(para.number("nwave"), 8);
  EXPECT_EQ(para.where("nwave"), "input_nn:2");
}

TEST(ParaFile, WhatIsNotAPlainAssignmentIsAnErrorWithItsLine) {
  EXPECT_THAT(refusal("a=1\nimport os\n"), StartsWith("input_nn:2: expected \"=\""));
  EXPECT_THAT(refusal("\n\na=os.system('x')\n"), StartsWith("input_nn:3: not a plain"));
  EXPECT_THAT(refusal("a=1+1\n"), StartsWith("input_nn:1: "));
  EXPECT_THAT(refusal("a=1 2\n"), HasSubstr("the value of a"));
  EXPECT_THAT(refusal("a=\nb=1\n"), HasSubstr("input_nn:1: a value is missing"));
  EXPECT_THAT(refusal("a='open\n"), HasSubstr("not closed"));
  EXPECT_THAT(refusal("a='open"), HasSubstr("not closed"));
  EXPECT_THAT(refusal("a=[1,2\n"), HasSubstr("list is not closed"));
  EXPECT_THAT(refusal("a=[1 2]\n"), HasSubstr("expected \",\""));
  EXPECT_THAT(refusal("= 3\n"), HasSubstr("name = value"));
  EXPECT_THAT(refusal("a=nan\n"), HasSubstr("not a plain"));
  EXPECT_THAT(refusal("a=" + std::string(100000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(std::string("a=1\0b", 5)), HasSubstr("the value of a"));
}

TEST(ParaFile, ValuesOfAnotherTypeAreNamedWithTheirLine) {
  const ParaFile para = ParaFile::parse("a='text'\nb=[1]\nc=True\n", "input_nn");
  EXPECT_THAT(error_of([&] { para.number("a"); }), StartsWith("input_nn:1: a is not a number"));
  EXPECT_THAT(error_of([&] { para.texts("b"); }), StartsWith("input_nn:2: b is not a list of strings"));
  EXPECT_THAT(error_of([&] { para.texts("a"); }), StartsWith("input_nn:1: a is not a list of strings"));
  EXPECT_THAT(error_of([&] { para.text("c"); }), StartsWith("input_nn:3: c is not a string"));
}

TEST(ParaFile, FolderHasEitherFileOrBoth) {
  const ParaFile para = ParaFile::read(test::golden_folder() / "f-orbitals-wide/para");
  EXPECT_EQ(para.number("cutoff"), 5.2);
  EXPECT_EQ(para.text("oc_activate"), "Relu_like");
  EXPECT_THAT(error_of([] { ParaFile::read("/no/such/folder"); }), HasSubstr("--para"));
}

TEST(ParaFile, PublishedInputIsRead) {
  const auto folder = test::shared_folder() / "golden/published-silver-mpi/para";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no shared material beside the checkout";
  const ParaFile para = ParaFile::read(folder);
  EXPECT_EQ(para.number("cutoff"), 4.0);
  EXPECT_EQ(para.number("end_lr"), 1e-5);
  EXPECT_THAT(*para.texts("atomtype"), ElementsAre("Ag"));
}

}  // namespace
}  // namespace grapevine
