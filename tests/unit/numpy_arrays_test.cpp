#include "formats/archives/numpy_arrays.hpp"

#include <gmock/gmock.h>

#include "nequix_builder.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using test::error_of;
using test::numpy_file;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::vector<NpyArray> parse(const std::vector<std::byte>& bytes) { return parse_numpy_arrays(bytes, "some.nqx"); }

std::string refusal(const std::string& text) {
  return error_of([&] { parse(test::to_bytes(text)); });
}

/// An array whose header is this text.
std::string with_header(const std::string& header, const std::string& elements = "") {
  return std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(header.size()) + '\0' + header + elements;
}

TEST(NumpyArrays, AreReadOneAfterAnother) {
  const auto bytes = test::to_bytes(numpy_file({2, 3}, {1, 2, 3, 4, 5, 6}) + numpy_file({2}, {0.1, -0.2}, "<f8") +
                                    numpy_file({}, {7}) + numpy_file({0, 4}, {}) + "\n");
  const std::vector<NpyArray> arrays = parse(bytes);
  ASSERT_EQ(arrays.size(), 4u);
  EXPECT_THAT(arrays[0].shape, ElementsAre(2u, 3u));
  EXPECT_THAT(arrays[0].to_doubles(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(arrays[1].dtype, DType::f64);
  EXPECT_THAT(arrays[1].to_doubles(), ElementsAre(0.1, -0.2));
  EXPECT_THAT(arrays[2].shape, IsEmpty());
  EXPECT_THAT(arrays[2].to_doubles(), ElementsAre(7));
  EXPECT_EQ(arrays[3].count(), 0u);
}

TEST(NumpyArrays, ColumnsFirst) {
  const auto bytes = test::to_bytes(numpy_file({2, 3}, {1, 4, 2, 5, 3, 6}, "<f4", true) +
                                    numpy_file({2, 2, 2}, {0, 4, 2, 6, 1, 5, 3, 7}, "<f8", true));
  const std::vector<NpyArray> arrays = parse(bytes);
  EXPECT_THAT(arrays[0].to_doubles(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(arrays[1].to_doubles(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST(NumpyArrays, HeadersAsOthersMayWriteThem) {
  const std::string elements(8, '\0');
  for (const std::string header : {"{'shape':(1,),'fortran_order':False,'descr':'<f8'}",
                                   "{'descr': '<f8', 'fortran_order': True , 'shape': (1, 1), }   \n"})
    EXPECT_EQ(refusal(with_header(header, elements)), "") << header;
}

TEST(NumpyArrays, MalformedHeadersAreRefused) {
  for (const auto& [header, what] :
       {std::pair("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), } x", "something follows"),
        {"{'descr': '<f8', 'fortran_order': False, }", "missing"},
        {"{'descr': '<f8', 'descr': '<f8', }", "there twice"},
        {"{'descr': '<f8', 'colour': 3, }", "colour"},
        {"{'descr': '>f8', }", "'>f8'"},
        {"{'descr': '|O', }", "'|O'"},
        {"{'descr': [('a', '<f8')], }", "one type"},
        {"{'descr': '<f8", "not closed"},
        {"{'descr': '<f8' 'shape': (1,), }", "comma"},
        {"{'fortran_order': 0, }", "neither True nor False"},
        {"{'shape': (-1,), }", "whole numbers"},
        {"{'shape': (1.5,), }", "whole numbers"},
        {"{'shape': (99999999999999999999,), }", "whole numbers"},
        {"{'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1), }", "dimensions"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "overflows"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }", "cut off"},
        {"", "'{' expected"}})
    EXPECT_THAT(refusal(with_header(header)), AllOf(StartsWith("some.nqx: array 0: "), HasSubstr(what))) << header;
}

TEST(NumpyArrays, WhatIsNoArrayIsRefused) {
  const std::string array = numpy_file({2}, {1, 2});
  EXPECT_THAT(refusal(array + "\n\n"), HasSubstr("array 1: no array of NumPy begins here"));
  EXPECT_THAT(refusal("\n"), HasSubstr("array 0"));
  EXPECT_THAT(refusal(std::string("\x93NUMPY\x09\0\0\0", 10)), HasSubstr("version 9"));
  for (std::size_t length = 1; length < array.size(); ++length)
    EXPECT_THAT(refusal(array.substr(0, length)), HasSubstr("some.nqx: array 0: "));
}

}  // namespace
}  // namespace grapevine
