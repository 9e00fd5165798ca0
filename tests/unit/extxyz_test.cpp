#include "formats/text/extxyz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "support/error.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Frame> read(const std::string& text) {
  ExtxyzReader reader(std::make_unique<std::istringstream>(text), "test.xyz");
  std::vector<Frame> frames;
  for (Frame frame; reader.next(frame);) frames.push_back(frame);
  return frames;
}

Frame read_one(const std::string& comment, const std::string& atom = "H 0 0 0") {
  return read("1\n" + comment + "\n" + atom + "\n").at(0);
}

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string comment_error(const std::string& comment, const std::string& atom = "H 0 0 0") {
  return error_of("1\n" + comment + "\n" + atom + "\n");
}

std::string written(const Frame& frame) {
  std::ostringstream stream;
  write_extxyz(stream, frame);
  return stream.str();
}

const std::string& info(const Frame& frame, const std::string& key) {
  const std::string* value = frame.find_info(key);
  if (value == nullptr) throw std::runtime_error("no info " + key);
  return *value;
}

TEST(Extxyz, ReadsEveryFrameWithCellColumnsAndInfo) {
  const auto frames = read(
      "2\nLattice=\"1 2 3 4 5 6 7 8 10\" Properties=species:S:1:pos:R:3:forces:R:3:tag:I:1:fixed:L:1 energy=-1.5 "
      "pbc=\"T F T\"\nSi 0 1 2 .1 .2 .3 7 T\nO 3 4 5 .4 .5 .6 -8 F\n1\nProperties=species:S:1:pos:R:3\nH 1e-3 +2 "
      "-3.\n");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_THAT(frames[0].symbols, ElementsAre("Si", "O"));
  EXPECT_THAT(frames[0].positions, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(frames[0].cell, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 10));
  EXPECT_THAT(frames[0].periodic, ElementsAre(true, false, true));
  EXPECT_THAT(std::get<std::vector<double>>(frames[0].find_column("forces")->values),
              ElementsAre(.1, .2, .3, .4, .5, .6));
  EXPECT_THAT(std::get<std::vector<std::int64_t>>(frames[0].find_column("tag")->values), ElementsAre(7, -8));
  EXPECT_THAT(std::get<std::vector<bool>>(frames[0].find_column("fixed")->values), ElementsAre(true, false));
  EXPECT_EQ(info(frames[0], "energy"), "-1.5");
  EXPECT_EQ(frames[0].line, 1u);
  EXPECT_EQ(frames[1].line, 5u);
  EXPECT_THAT(frames[1].positions, ElementsAre(1e-3, 2, -3));
}

TEST(Extxyz, UnderstandsEveryWayToQuote) {
  const Frame frame = read_one(
      R"(a="x y" b='it is "so"' c="he said \"no\" = [1]" d=[1, 2, 3] e={4 5} flag f = 7 g="" h=[[1,2],[3,4]] "i j"=k=l )");
  EXPECT_EQ(info(frame, "a"), "x y");
  EXPECT_EQ(info(frame, "b"), "it is \"so\"");
  EXPECT_EQ(info(frame, "c"), "he said \"no\" = [1]");
  EXPECT_EQ(info(frame, "d"), "1, 2, 3");
  EXPECT_EQ(info(frame, "e"), "4 5");
  EXPECT_EQ(info(frame, "flag"), "T");
  EXPECT_EQ(info(frame, "f"), "7");
  EXPECT_EQ(info(frame, "g"), "");
  EXPECT_EQ(info(frame, "h"), "[1,2],[3,4]");
  EXPECT_EQ(info(frame, "i j"), "k=l");
}

TEST(Extxyz, TakesAnUnquotedEmptyValueAsAseWritesIt) {
  const Frame frame = read_one("name= charge=2");
  EXPECT_EQ(info(frame, "name"), "");
  EXPECT_EQ(info(frame, "charge"), "2");
}

TEST(Extxyz, KeepsTheLastValueOfARepeatedKeyInTheFirstPlace) {
  const Frame frame = read_one("a=1 b=2 a=3");
  EXPECT_THAT(frame.info, ElementsAre(std::pair("a", "3"), std::pair("b", "2")));
}

TEST(Extxyz, PeriodicityFollowsTheCellUnlessGiven) {
  EXPECT_THAT(read_one("Lattice=\"1 0 0 0 1 0 0 0 1\"").periodic, ElementsAre(true, true, true));
  EXPECT_THAT(read_one("energy=1").periodic, ElementsAre(false, false, false));
  EXPECT_THAT(read_one("Lattice=\"1 1 1\" pbc=\"T T F\"").periodic, ElementsAre(true, true, false));
  EXPECT_THAT(read_one("Lattice=\"1 1 1\" pbc=\"[True, false, TRUE]\"").periodic, ElementsAre(true, false, true));
  EXPECT_THAT(read_one("Lattice=\"1 1 1\" pbc=[1,0,0]").periodic, ElementsAre(true, false, false));
  EXPECT_THAT(read_one("Lattice=\"1 1 1\" pbc=F").periodic, ElementsAre(false, false, false));
}

TEST(Extxyz, ThreeLatticeNumbersAreADiagonalCell) {
  EXPECT_THAT(read_one("Lattice=\"2 3 4\"").cell, ElementsAre(2, 0, 0, 0, 3, 0, 0, 0, 4));
}

TEST(Extxyz, TakesElementsFromAtomicNumbers) {
  EXPECT_EQ(read_one("Properties=Z:I:1:pos:R:3", "26 0 0 0").symbols[0], "Fe");
  EXPECT_EQ(read_one("Properties=pos:R:3:numbers:I:1", "0 0 0 118").symbols[0], "Og");
  const Frame both = read_one("Properties=species:S:1:pos:R:3:Z:I:1", "Cu 0 0 0 29");
  EXPECT_EQ(both.symbols[0], "Cu");
  EXPECT_NE(both.find_column("Z"), nullptr);
  EXPECT_THAT(comment_error("Properties=Z:I:1:pos:R:3", "119 0 0 0"), HasSubstr("test.xyz:3: '119'"));
}

TEST(Extxyz, WritesElementsInTheUsualLetters) { EXPECT_EQ(read_one("a=1", "FE 0 0 0").symbols[0], "Fe"); }

TEST(Extxyz, PlainXyzHasAnyCommentAndFurtherColumns) {
  const auto frames = read("2\nit's a \"free text, of [ any kind\nC 0 0 0 0.5 more\nO 0 0 1.1\n1\n\nH 1 2 3\n");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_THAT(frames[0].info, ElementsAre(std::pair("comment", "it's a \"free text, of [ any kind")));
  EXPECT_THAT(frames[0].positions, ElementsAre(0, 0, 0, 0, 0, 1.1));
  EXPECT_TRUE(frames[1].info.empty());
}

TEST(Extxyz, AcceptsWindowsLineEndsAndBlankLinesBetweenAndAfter) {
  const auto frames = read("1\r\nProperties=species:S:1:pos:R:3 a=b\r\nH 0 0 1\r\n\r\n1\r\n\r\nH 0 0 2\r\n \r\n\r\n");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(info(frames[0], "a"), "b");
  EXPECT_EQ(frames[1].positions[2], 2);
  EXPECT_EQ(frames[1].line, 5u);
}

TEST(Extxyz, LastLineNeedsNoEnd) { EXPECT_EQ(read("1\n\nH 0 0 1").size(), 1u); }

TEST(Extxyz, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_THAT(error_of("x\n"), HasSubstr("test.xyz:1: expected a number of atoms, found 'x'"));
  EXPECT_THAT(error_of("-1\n"), HasSubstr("test.xyz:1:"));
  EXPECT_THAT(error_of("0\n\n"), HasSubstr("test.xyz:1:"));
  EXPECT_THAT(error_of("99999999999999999999\n"), HasSubstr("test.xyz:1:"));
  EXPECT_THAT(error_of("1\n"), HasSubstr("ends before the comment line"));
  EXPECT_THAT(error_of("2\n\nH 0 0 0\n"), HasSubstr("ends after 1 of the 2 atoms of the structure at line 1"));
  EXPECT_THAT(error_of("1\n\nH 0 0\n"), HasSubstr("test.xyz:3: 3 columns where 4 are expected"));
  EXPECT_THAT(comment_error("Properties=species:S:1:pos:R:3", "H 0 0 0 0"), HasSubstr("5 columns where 4"));
  EXPECT_THAT(comment_error("Properties=species:S:1:pos:R:3 a=\"b"), HasSubstr("test.xyz:2: a quote"));
  EXPECT_THAT(comment_error("Properties=species:S:1:pos:R"), HasSubstr("not a list of name:type:columns"));
  EXPECT_THAT(comment_error("Properties=species:S:1:pos:X:3"), HasSubstr("positions once, as pos:R:3"));
  EXPECT_THAT(comment_error("Properties=species:S:1:pos:R:0"), HasSubstr("expected name:type:columns"));
  EXPECT_THAT(comment_error("Properties=species:S:1:forces:R:3"), HasSubstr("positions"));
  EXPECT_THAT(comment_error("Properties=Z:I:1:pos:R:3:species:I:1", "1 0 0 0 1"), HasSubstr("species:S:1"));
  EXPECT_THAT(comment_error("Properties=pos:R:3", "0 0 0"), HasSubstr("elements"));
  EXPECT_THAT(comment_error("Properties=species:S:1:pos:R:3:a:R:1:a:R:1", "H 0 0 0 1 1"), HasSubstr("more than once"));
  EXPECT_THAT(comment_error("Lattice=\"1 2\""), HasSubstr("not 9 numbers"));
  EXPECT_THAT(comment_error("Lattice=\"1 1 nan\""), HasSubstr("not 9 numbers"));
  EXPECT_THAT(comment_error("Lattice=\"1 1 1\" pbc=\"T F\""), HasSubstr("pbc"));
  EXPECT_THAT(comment_error("Lattice=\"1 1 1\" pbc=\"T F maybe\""), HasSubstr("pbc"));
}

TEST(Extxyz, RefusesWhatIsNotAFiniteNumber) {
  for (const std::string word : {"nan", "inf", "-inf", "1e999", "1.0D+00", "1.0x", "0x10", "+-1", "1,0"})
    EXPECT_THAT(error_of("2\n\nH 0 0 0\nH 0 0 " + word + "\n"),
                HasSubstr("test.xyz:4: '" + word + "' of pos of atom 2"))
        << word;
}

TEST(Extxyz, KeepsColumnsThatAreNotOfTheirTypeAsWords) {
  const std::string text =
      "2\nProperties=species:S:1:pos:R:3:a:R:2:n:I:1:fixed:L:1 e=1 pbc=\"F F F\"\n"
      "H  0 0 0 0.5 1 1 T\nH  0 0 1 nan 2 1.5 yes\n";
  const Frame frame = read(text).at(0);
  const auto unread = [&](const char* name) { return std::get<UnreadColumn>(frame.find_column(name)->values); };
  EXPECT_THAT(unread("a").words, ElementsAre("0.5", "1", "nan", "2"));
  EXPECT_EQ(unread("a").problem, "line 4: 'nan' of a of atom 2 is not a finite number");
  EXPECT_EQ(unread("n").problem, "line 4: '1.5' of n of atom 2 is not an integer");
  EXPECT_EQ(unread("fixed").problem, "line 4: 'yes' of fixed of atom 2 is not T or F");
  EXPECT_EQ(written(frame), text);
  const Frame other = read_one("Properties=species:S:1:pos:R:3:a:X:1", "H 0 0 0 1.5");
  EXPECT_EQ(std::get<UnreadColumn>(other.find_column("a")->values).problem,
            "a is of the unknown type 'X'; expected R, I, S or L");
}

TEST(Extxyz, MasksMayBeOfOnesAndZeros) {
  const Frame frame = read_one("Properties=species:S:1:pos:R:3:move_mask:L:3", "W 0 0 0 1 0 1");
  EXPECT_THAT(std::get<std::vector<bool>>(frame.find_column("move_mask")->values), ElementsAre(true, false, true));
}

TEST(Extxyz, TextOfOtherSystemsReadsTheSame) {
  const std::string text = "1\nenergy=-1\nW 0 0 1\n1\n\nW 0 0 2\n";
  std::string mac = text;
  std::replace(mac.begin(), mac.end(), '\n', '\r');
  for (const std::string& other : {"\xEF\xBB\xBF" + text, mac}) {
    const auto frames = read(other);
    ASSERT_EQ(frames.size(), 2u);
    EXPECT_EQ(info(frames[0], "energy"), "-1");
    EXPECT_EQ(frames[1].positions[2], 2);
    EXPECT_EQ(frames[1].line, 4u);
  }
}

TEST(Extxyz, FilesOfOtherFormatsAreToldByName) {
  EXPECT_THAT(error_of("- of UlmASE-Trajectory  "), HasSubstr("test.xyz: this is an ASE trajectory (.traj)"));
  EXPECT_THAT(error_of("\x89HDF\r\n\x1a\n"), HasSubstr("HDF5"));
  EXPECT_THAT(error_of("PK\x03\x04"), HasSubstr("zip"));
  EXPECT_THAT(error_of("\xff\xfe"
                       "1"),
              HasSubstr("UTF-16"));
  EXPECT_THAT(error_of("ITEM: TIMESTEP\n"), HasSubstr("ase convert test.xyz"));
  EXPECT_THAT(error_of(std::string("\x40\x01\0\0\0\0\0\0{\"a\"", 12)), HasSubstr("holds a model"));
}

TEST(Extxyz, ReadsWhatGzipCompressed) {
  const auto path = test::temporary_path("a.xyz.gz");
  const std::string text = "1\nenergy=-1\nW 0 0 1\n";
  const auto write = [&](const std::string& content) {
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
  };
  const auto problem = [&] {
    return test::error_of([&] {
      ExtxyzReader reader(path);
      for (Frame frame; reader.next(frame);) {
      }
    });
  };
  write(text);
  ExtxyzReader reader(path);
  Frame frame;
  ASSERT_TRUE(reader.next(frame));
  EXPECT_EQ(frame.positions[2], 1);
  EXPECT_FALSE(reader.next(frame));

  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 6);
  EXPECT_THAT(problem(), HasSubstr("a.xyz.gz: the compressed file is cut off"));
  std::string blank(20'000'000, '\n');
  write(blank);
  EXPECT_THAT(problem(), HasSubstr("unpacks to far more than its size"));
}

TEST(Extxyz, ManyKeysAreRefused) {
  std::string comment;
  for (int n = 0; n < 11'000; ++n) comment += "k" + std::to_string(n) + "=1 ";
  EXPECT_THAT(comment_error(comment + "Properties=species:S:1:pos:R:3"), HasSubstr("more than 10000 keys"));
}

TEST(Extxyz, ALyingCountOrWidthAllocatesNothing) {
  EXPECT_THAT(error_of("700000000\n\nH 0 0 0\n"), HasSubstr("ends after 1 of the 700000000 atoms"));
  EXPECT_THAT(comment_error("Properties=species:S:1:pos:R:3:a:R:2147483647:b:R:2147483647"),
              HasSubstr("4 columns where 4294967298"));
}

TEST(Extxyz, WritesWhatItReads) {
  const std::string text =
      "2\nLattice=\"1.1 2 3 4 5.123456789012345 6 7 8 1e-20\" "
      "Properties=species:S:1:pos:R:3:forces:R:3:tag:I:1:label:S:1:fixed:L:1 energy=-1.5 a=\"x \\\"y\\\" \\\\ z\" "
      "\"b c\"=\"k=l\" d=\"[1,2],[3]\" pbc=\"T F T\"\n"
      "Si 0 0.1 0.30000000000000004 -1e-300 5 6 7 one T\nO  3 4 5 1 2 3 -8 two F\n";
  EXPECT_EQ(written(read(text).at(0)), text);
}

TEST(Extxyz, WritesNumbersThatReadBackTheSame) {
  Frame frame = read_one("a=1");
  frame.positions = {1.0 / 3.0, std::numeric_limits<double>::denorm_min(), -std::numeric_limits<double>::max()};
  EXPECT_EQ(read(written(frame)).at(0).positions, frame.positions);
}

TEST(Extxyz, MissingFilesAndFoldersAreErrors) {
  EXPECT_THROW(ExtxyzReader("/nonexistent/structures.xyz"), Error);
  EXPECT_THROW(ExtxyzReader("."), Error);
}

}  // namespace
}  // namespace grapevine
