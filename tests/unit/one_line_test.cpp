#include "support/one_line.hpp"

#include <gtest/gtest.h>

namespace grapevine {
namespace {

TEST(OneLine, OrdinaryTextStaysAsItIs) {
  EXPECT_EQ(one_line("model a\\b.safetensors: \"W\" is 3.5 \xc3\x85ngstr\xc3\xb6m \xe2\x82\xac \xf0\x9f\x8d\x87"),
            "model a\\b.safetensors: \"W\" is 3.5 \xc3\x85ngstr\xc3\xb6m \xe2\x82\xac \xf0\x9f\x8d\x87");
}

TEST(OneLine, NothingReachesATerminalThatItWouldObey) {
  EXPECT_EQ(one_line("\x1b[2J\x1b]0;owned\x07 a\nb\tc\r\x7f"), "\\x1b[2J\\x1b]0;owned\\x07 a\\nb\\tc\\x0d\\x7f");
  EXPECT_EQ(one_line("\xc2\x9b"
                     "2J"),
            "\\xc2\\x9b2J")
      << "an escape sequence in one character";
  EXPECT_EQ(one_line("\xe2\x80\xae"
                     "abc"),
            "\\xe2\\x80\\xae"
            "abc")
      << "turns the direction of what follows";
  EXPECT_EQ(one_line(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(OneLine, BytesThatAreNotTextAreWrittenAsNumbers) {
  EXPECT_EQ(one_line("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(one_line("\xc0\xaf"), "\\xc0\\xaf") << "longer than need be";
  EXPECT_EQ(one_line("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a pair";
}

TEST(OneLine, OfLongTextTheMiddleIsLeftOut) {
  const std::string line = one_line("file: " + std::string(1'000'000, 'x') + "; give another");
  EXPECT_LT(line.size(), 1100u);
  EXPECT_EQ(line.substr(0, 8), "file: xx");
  EXPECT_EQ(line.substr(line.size() - 14), "; give another");
  EXPECT_EQ(one_line("\xc3\x85\xc3\x85\xc3\x85\xc3\x85", 5), "\xc3\x85 ... \xc3\x85") << "letters stay whole";
}

}  // namespace
}  // namespace grapevine
