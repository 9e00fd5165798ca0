#include "formats/model_files/safetensors.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "test_files.hpp"

namespace grapevine {
namespace {

using test::error_of;
using test::temporary_path;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::byte> file_of(const std::string& header, const std::string& data) {
  std::uint64_t length = header.size();
  std::string text(8, '\0');
  for (char& c : text) {
    c = static_cast<char>(length & 0xff);
    length >>= 8;
  }
  return test::to_bytes(text + header + data);
}

std::string refusal(const std::string& header, const std::string& data = "") {
  return error_of([&] { TensorFile::parse(file_of(header, data), "some.safetensors"); });
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

TEST(Safetensors, WrittenFileReadsBackWithMetadataShapesAndValues) {
  const auto path = temporary_path("a.safetensors");
  write_tensor_file(path, {{"b", "zwei"}, {"a", "eins \"quoted\""}},
                    {{"x", {2, 3}, {1, 2, 3, 4, 5, 0.1}}, {"scalar", {}, {-0.5}}, {"none", {0, 4}, {}}});
  const TensorFile file = TensorFile::read(path);
  EXPECT_EQ(file.metadata("a"), "eins \"quoted\"");
  EXPECT_EQ(file.metadata("b"), "zwei");
  EXPECT_EQ(file.metadata().size(), 3u) << "with the digest";
  EXPECT_EQ(file.tensor("x").dtype, DType::f64);
  EXPECT_THAT(file.tensor("x").shape, ElementsAre(2, 3));
  EXPECT_THAT(file.tensor("x").to_doubles(), ElementsAre(1, 2, 3, 4, 5, 0.1));
  EXPECT_EQ(file.tensor("scalar").dtype, DType::f32);
  EXPECT_EQ(file.tensor("scalar").count(), 1);
  EXPECT_THAT(file.tensor("scalar").to_doubles(), ElementsAre(-0.5));
  EXPECT_EQ(file.tensor("none").count(), 0);
}

TEST(Safetensors, SameInputGivesSameBytesWithAlignedData) {
  const auto write = [](const std::string& name) {
    const auto path = temporary_path(name);
    write_tensor_file(path, {{"k", "v"}}, {{"odd", {3}, {1, 2, 3}}, {"wide", {1}, {1.0 / 3}}});
    return test::read_bytes(path);
  };
  const auto bytes = write("a");
  EXPECT_EQ(bytes, write("b"));
  const TensorFile file = TensorFile::parse(bytes, "a");
  const auto start = file.tensor("wide").bytes.data() - file.tensor("odd").bytes.data();
  EXPECT_EQ(start, -8) << "f64 comes first, so that it is aligned whatever follows";
  EXPECT_EQ((bytes.size() - 8 - 12) % 8, 0u);
}

TEST(Safetensors, ValuesThatFloatCannotHoldAreStoredAsDouble) {
  const double inf = std::numeric_limits<double>::infinity();
  const auto path = temporary_path("a");
  write_tensor_file(path, {},
                    {{"big", {1}, {1e300}}, {"special", {2}, {inf, std::nan("")}}, {"fine", {1}, {16777217.0}}});
  const TensorFile file = TensorFile::read(path);
  EXPECT_EQ(file.tensor("big").dtype, DType::f64);
  EXPECT_EQ(file.tensor("special").dtype, DType::f32);
  EXPECT_EQ(file.tensor("fine").to_doubles()[0], 16777217.0);
}

TEST(Safetensors, EveryNumericTypeConverts) {
  const std::string header = "{" + entry("h", "F16", "[3]", "[0,6]") + "," + entry("b", "BF16", "[1]", "[6,8]") + "," +
                             entry("i", "I8", "[2]", "[8,10]") + "," + entry("u", "U8", "[1]", "[10,11]") + "," +
                             entry("t", "BOOL", "[1]", "[11,12]") + "," + entry("l", "I64", "[1]", "[12,20]") + "}";
  const std::string data("\x00\x3c\x01\x00\x00\xfc\x80\xbf\xff\x7f\xff\x01\xfe\xff\xff\xff\xff\xff\xff\xff", 20);
  const TensorFile file = TensorFile::parse(file_of(header, data), "f");
  EXPECT_THAT(file.tensor("h").to_doubles(),
              ElementsAre(1.0, std::ldexp(1.0, -24), -std::numeric_limits<double>::infinity()));
  EXPECT_THAT(file.tensor("b").to_doubles(), ElementsAre(-1.0));
  EXPECT_THAT(file.tensor("i").to_doubles(), ElementsAre(-1, 127));
  EXPECT_THAT(file.tensor("u").to_doubles(), ElementsAre(255));
  EXPECT_THAT(file.tensor("l").to_doubles(), ElementsAre(-2));
  EXPECT_THAT(error_of([&] { file.tensor("t").to_doubles(); }), HasSubstr("BOOL"));
}

TEST(Safetensors, MissingNamesAreNamed) {
  const TensorFile file = TensorFile::parse(file_of("{}", ""), "some.safetensors");
  EXPECT_THAT(error_of([&] { file.tensor("weight"); }), AllOf(HasSubstr("some.safetensors"), HasSubstr("weight")));
  EXPECT_THAT(error_of([&] { file.metadata("format"); }), HasSubstr("format"));
  EXPECT_THAT(error_of([&] { TensorFile::read("/no/such/file"); }), HasSubstr("/no/such/file"));
  EXPECT_THAT(error_of([&] { TensorFile::read(test::source_folder()); }), HasSubstr("not a regular file"));
}

TEST(Safetensors, BadHeadersAreRefused) {
  EXPECT_THAT(error_of([] { TensorFile::parse({}, "f"); }), HasSubstr("too short"));
  EXPECT_THAT(error_of([] { TensorFile::parse(test::to_bytes(std::string(16, '\xff')), "f"); }),
              HasSubstr("header of"));
  EXPECT_THAT(refusal("{\"a\":"), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("nested deeper"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"a":"1","a":"2"}})"), HasSubstr("twice"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"a":1}})"), HasSubstr("not a string"));
  EXPECT_THAT(refusal(R"({"__metadata__":[]})"), HasSubstr("not an object"));
  EXPECT_THAT(refusal("{} x"), HasSubstr("not valid JSON"));
}

TEST(Safetensors, PyTorchFilesAreToldHowToImportThem) {
  const std::vector<std::string> beginnings{std::string("PK\x03\x04") + std::string(200, '\0'),
                                            "\x80\x02\x8a\x0al\xfc\x9c" + std::string(200, 'F')};
  for (const std::string& begin : beginnings)
    EXPECT_THAT(error_of([&] { TensorFile::parse(test::to_bytes(begin), "a/some.pth"); }),
                AllOf(HasSubstr("a/some.pth: a PyTorch checkpoint"), HasSubstr("grapevine import a/some.pth -o"),
                      HasSubstr("grapevine.import_model")));
}

TEST(Safetensors, BadEntriesAreRefused) {
  EXPECT_THAT(refusal(R"({"a":7})"), HasSubstr("not an object"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[1]}})", "abcd"), HasSubstr("data_offsets"));
  EXPECT_THAT(refusal("{" + entry("a", "F8", "[4]", "[0,4]") + "}", "abcd"), HasSubstr("unknown dtype \"F8\""));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[-1]", "[0,4]") + "}", "abcd"), HasSubstr("whole number"));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[1.0]", "[0,4]") + "}", "abcd"), HasSubstr("whole number"));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[18446744073709551615]", "[0,4]") + "}", "abcd"),
              HasSubstr("overflows"));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[4611686018427387905,4]", "[0,4]") + "}", "abcd"),
              HasSubstr("overflows"));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[2]", "[0,4]") + "}", "abcd"), HasSubstr("do not match"));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[2]", "[0,8]") + "}", "abcd"), HasSubstr("past the end"));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[1]", "[4,0]") + "}", "abcd"), HasSubstr("past the end"));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("a", "F32", "[1]", "[0,4]") + "}", "abcd"),
              HasSubstr("twice"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}})", "abcd"),
              HasSubstr("extra"));
}

TEST(Safetensors, OverlapsHolesAndTrailingBytesAreRefused) {
  const std::string two = "{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[2,6]") + "}";
  EXPECT_THAT(refusal(two, "abcdef"), HasSubstr("overlap"));
  const std::string hole = "{" + entry("a", "F32", "[1]", "[0,4]") + "," + entry("b", "F32", "[1]", "[5,9]") + "}";
  EXPECT_THAT(refusal(hole, "abcdefghi"), HasSubstr("hole"));
  EXPECT_THAT(refusal("{" + entry("a", "F32", "[1]", "[0,4]") + "}", "abcdef"), HasSubstr("2 bytes after"));
}

TEST(Safetensors, WriterRefusesWhatCannotBeRead) {
  const auto path = temporary_path("a");
  EXPECT_THAT(error_of([&] { write_tensor_file(path, {}, {{"a", {2}, {1}}}); }), HasSubstr("has 1 values"));
  EXPECT_THAT(error_of([&] { write_tensor_file(path, {}, {{"a", {1}, {1}}, {"a", {1}, {1}}}); }), HasSubstr("twice"));
  EXPECT_THAT(error_of([&] { write_tensor_file(path, {{"k", "\xff"}}, {}); }), HasSubstr("UTF-8"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Safetensors, DamagedModelFilesAreRefusedOrStillWhole) {
  const auto bytes = test::read_bytes(test::source_folder() / "models/water.safetensors");
  ASSERT_FALSE(bytes.empty());
  int refused = 0;
  test::for_each_damage(bytes, 200, 4000, [&](const std::vector<std::byte>& damaged) {
    try {
      TensorFile::parse(damaged, "damaged");
    } catch (const Error&) {
      ++refused;
    }
  });
  EXPECT_GE(refused, 200);
}

TEST(Safetensors, FilesOfOtherFormatsAreToldByName) {
  const std::string hdf5 = "\x89HDF\r\n\x1a\n" + std::string(20, '\0');
  EXPECT_EQ(error_of([&] { TensorFile::parse(test::to_bytes(hdf5), "a.h5"); }),
            "a.h5: this is an HDF5 file, not a model file");
  EXPECT_EQ(error_of([&] { TensorFile::parse(test::to_bytes("192\nLattice=\"12 0 0\"\n"), "water.xyz"); }),
            "water.xyz: not a safetensors file but a text");
}

}  // namespace
}  // namespace grapevine
