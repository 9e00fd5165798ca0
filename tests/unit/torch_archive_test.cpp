#include "formats/archives/torch_archive.hpp"

#include <gmock/gmock.h>

#include <bit>

#include "test_files.hpp"
#include "torch_builder.hpp"

namespace grapevine {
namespace {

using test::archive_of;
using test::error_of;
using test::PickleWriter;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TorchArchive parse(const PickleWriter& pickle, const test::Entries& more = {}) {
  return parse_torch_archive(archive_of(pickle.finish(), more), "some.pth");
}

std::string refusal(const PickleWriter& pickle, const test::Entries& more = {}) {
  return error_of([&] { parse(pickle, more); });
}

std::vector<double> doubles(const PickleWriter& pickle, const std::string& storage) {
  const TorchArchive archive = parse(pickle, {{"archive/data/0", storage}});
  return std::get<std::shared_ptr<const TorchTensor>>(archive.root)->to_doubles();
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

TEST(TorchArchive, PlainValuesKeepTheirOrder) {
  const TorchArchive archive =
      parse(PickleWriter().raw("}(").text("z").integer(-7).text("a").real(0.5).text("m").raw("Nu"));
  const auto dict = std::get<std::shared_ptr<PickleDict>>(archive.root);
  ASSERT_EQ(dict->items.size(), 3u);
  EXPECT_EQ(*pickle_text(dict->items[0].first), "z");
  EXPECT_EQ(std::get<std::int64_t>(*dict->find("z")), -7);
  EXPECT_EQ(std::get<double>(*dict->find("a")), 0.5);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*dict->find("m")));
  EXPECT_EQ(dict->find("none"), nullptr);
}

TEST(TorchArchive, OfEqualKeysTheLastCounts) {
  const TorchArchive archive = parse(PickleWriter().raw("}(").text("a").integer(1).text("a").integer(2).raw("u"));
  EXPECT_EQ(std::get<std::int64_t>(*std::get<std::shared_ptr<PickleDict>>(archive.root)->find("a")), 2);
}

TEST(TorchArchive, TransposedAndShiftedTensorsAreReadInRowOrder) {
  const std::string storage = floats({9, 1, 2, 3, 4, 5, 6});
  EXPECT_THAT(doubles(PickleWriter().tensor("FloatStorage", "0", 7, 1, {2, 3}, {3, 1}), storage),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(doubles(PickleWriter().tensor("FloatStorage", "0", 7, 1, {3, 2}, {1, 3}), storage),
              ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(doubles(PickleWriter().tensor("FloatStorage", "0", 7, 6, {}, {}), storage), ElementsAre(6));
  EXPECT_THAT(doubles(PickleWriter().tensor("FloatStorage", "0", 7, 6, {1}, {2147483647}), storage), ElementsAre(6));
  EXPECT_THAT(doubles(PickleWriter().tensor("FloatStorage", "0", 7, 0, {0, 3}, {3, 1}), storage), ElementsAre());
}

TEST(TorchArchive, HalfAndIntegerStoragesConvert) {
  EXPECT_THAT(doubles(PickleWriter().tensor("HalfStorage", "0", 2, 0, {2}, {1}), std::string("\x00\x3c\x00\xc0", 4)),
              ElementsAre(1, -2));
  EXPECT_THAT(doubles(PickleWriter().tensor("BFloat16Storage", "0", 1, 0, {1}, {1}), "\x80\x3f"), ElementsAre(1));
  EXPECT_THAT(doubles(PickleWriter().tensor("ShortStorage", "0", 1, 0, {1}, {1}), "\xff\xff"), ElementsAre(-1));
}

TEST(TorchArchive, TensorsOutsideTheirStorageAreRefused) {
  const test::Entries storage = {{"archive/data/0", floats({1, 2, 3, 4})}};
  const auto tensor_refusal = [&](int offset, const std::vector<int>& shape, const std::vector<int>& strides,
                                  int count = 4) {
    return refusal(PickleWriter().tensor("FloatStorage", "0", count, offset, shape, strides), storage);
  };
  EXPECT_EQ(tensor_refusal(0, {4}, {1}), "");
  EXPECT_THAT(tensor_refusal(1, {4}, {1}), HasSubstr("outside its storage"));
  EXPECT_THAT(tensor_refusal(0, {2}, {4}), HasSubstr("outside its storage"));
  EXPECT_THAT(tensor_refusal(0, {1000000}, {0}), HasSubstr("outside its storage"));
  EXPECT_THAT(tensor_refusal(0, {2147483647, 2147483647, 2147483647}, {1, 1, 1}), HasSubstr("outside its storage"));
  EXPECT_THAT(tensor_refusal(-1, {1}, {1}), HasSubstr("offset"));
  EXPECT_THAT(tensor_refusal(0, {-1}, {1}), HasSubstr("whole numbers"));
  EXPECT_THAT(tensor_refusal(0, {2}, {-1}), HasSubstr("whole numbers"));
  EXPECT_THAT(tensor_refusal(0, {2, 2}, {1}), HasSubstr("differ in length"));
  EXPECT_THAT(tensor_refusal(0, {4}, {1}, 5), HasSubstr("16 bytes"));
  EXPECT_THAT(refusal(PickleWriter().tensor("FloatStorage", "7", 1, 0, {1}, {1})), HasSubstr("data/7"));
  EXPECT_THAT(refusal(PickleWriter().tensor("ComplexFloatStorage", "0", 1, 0, {1}, {1})),
              HasSubstr("ComplexFloatStorage"));
}

TEST(TorchArchive, GlobalsThatAreNotDataAreRefusedByName) {
  EXPECT_THAT(refusal(PickleWriter().global("os", "system").raw("(").text("true").raw("tR")),
              AllOf(HasSubstr("some.pth"), HasSubstr("os.system")));
  EXPECT_THAT(refusal(PickleWriter().text("builtins").text("eval").raw("\x93")), HasSubstr("builtins.eval"));
  EXPECT_THAT(refusal(PickleWriter().global("numpy", "load")), HasSubstr("numpy.load"));
  EXPECT_THAT(refusal(PickleWriter().global("numpy.core.multiarray", "fromfile")), HasSubstr("multiarray.fromfile"));
  EXPECT_THAT(refusal(PickleWriter().global("_codecs", "decode")), HasSubstr("_codecs.decode"));
  EXPECT_THAT(refusal(PickleWriter().global("torch", "load")), HasSubstr("torch.load"));
  EXPECT_THAT(refusal(PickleWriter().global("collections.OrderedDict", "fromkeys")), HasSubstr("fromkeys"));
  EXPECT_THAT(refusal(PickleWriter().global("__torchx__", "A")), HasSubstr("__torchx__.A"));
  EXPECT_THAT(refusal(PickleWriter().global("a\x1b[2J", "b")), HasSubstr("a?[2J.b"));
}

const TorchTensor& array_of(const TorchArchive& archive) { return *pickle_tensor(archive.root); }

TEST(TorchArchive, NumpyArraysArePlainNumbers) {
  const std::string bytes = floats({1, -2, 3, 200.5f, 5, 6});
  const TorchArchive rows = parse(PickleWriter().raw(test::numpy_array({2, 3}, "f4", "<", false, bytes)));
  EXPECT_THAT(array_of(rows).to_doubles(), ElementsAre(1, -2, 3, 200.5, 5, 6));
  EXPECT_THAT(array_of(rows).shape, ElementsAre(2, 3));
  const TorchArchive columns = parse(PickleWriter().raw(test::numpy_array({2, 3}, "f4", "<", true, bytes)));
  EXPECT_THAT(array_of(columns).to_doubles(), ElementsAre(1, 3, 5, -2, 200.5, 6));
  const TorchArchive integers =
      parse(PickleWriter().raw(test::numpy_array({2}, "i2", "<", false, std::string("\xff\xff\x00\x01", 4))));
  EXPECT_THAT(array_of(integers).to_doubles(), ElementsAre(-1, 256));
  const TorchArchive none = parse(PickleWriter().raw(test::numpy_array({0, 3}, "u1", "|", false, "")));
  EXPECT_THAT(array_of(none).to_doubles(), ElementsAre());
}

TEST(TorchArchive, NumpyScalarsAreNumbers) {
  const auto scalar = [](const std::string& type, const std::string& bytes) {
    return parse(PickleWriter().raw(test::numpy_scalar(type, bytes))).root;
  };
  EXPECT_EQ(std::get<double>(scalar("f4", floats({0.25f}))), 0.25);
  EXPECT_EQ(std::get<std::int64_t>(scalar("u1", "\xff")), 255);
  EXPECT_EQ(std::get<bool>(scalar("b1", "\x01")), true);
}

TEST(TorchArchive, NumpyArraysThatDoNotFitTogetherAreRefused) {
  const auto array_refusal = [](const std::vector<int>& shape, const std::string& type, const std::string& order,
                                const std::string& bytes) {
    return refusal(PickleWriter().raw(test::numpy_array(shape, type, order, false, bytes)));
  };
  const std::string four = floats({1, 2, 3, 4});
  EXPECT_EQ(array_refusal({4}, "f4", "<", four), "");
  EXPECT_THAT(array_refusal({5}, "f4", "<", four), HasSubstr("outside its storage"));
  EXPECT_THAT(array_refusal({3}, "f4", "<", four), HasSubstr("do not fit its shape"));
  EXPECT_THAT(array_refusal({4}, "f4", "<", four + "x"), HasSubstr("do not fit its shape"));
  EXPECT_THAT(array_refusal({2147483647, 2147483647, 2147483647}, "f4", "<", four), HasSubstr("too large"));
  EXPECT_THAT(array_refusal({-4}, "f4", "<", four), HasSubstr("whole numbers"));
  EXPECT_THAT(array_refusal({4}, "f4", ">", four), HasSubstr("little-endian"));
  EXPECT_THAT(array_refusal({4}, "O8", "|", four), HasSubstr("numpy type O8"));
  EXPECT_THAT(refusal(PickleWriter().raw(test::numpy_scalar("f8", "1234"))), HasSubstr("scalar"));
  EXPECT_THAT(refusal(PickleWriter().global("_codecs", "encode").text("a").text("rot13").raw("\x86R")),
              HasSubstr("latin1"));
  EXPECT_THAT(refusal(PickleWriter().global("_codecs", "encode").text("\xe2\x82\xac").text("latin1").raw("\x86R")),
              HasSubstr("beyond latin1"));
  EXPECT_THAT(refusal(PickleWriter().global("numpy.core.multiarray", "_reconstruct").raw(")R")),
              HasSubstr("unknown class"));
}

TEST(TorchArchive, RecalledBytesAreNotCopiedWithoutEnd) {
  std::string many =
      "](" + test::python_text(std::string(100000, 'a')) + "q\x01" + test::python_text("latin1") + "q\x02";
  for (int i = 0; i < 1000; ++i) many += "c_codecs\nencode\nh\x01h\x02\x86R";
  EXPECT_THAT(refusal(PickleWriter().raw(many + "e")), HasSubstr("more array data"));
}

TEST(TorchArchive, ObjectsOnlyOfTorchScriptClasses) {
  const TorchArchive archive =
      parse(PickleWriter().global("__torch__.a.b", "C").raw(")\x81}(").text("x").integer(1).raw("ub"));
  ASSERT_TRUE(archive.is_script());
  const auto object = std::get<std::shared_ptr<PickleObject>>(archive.root);
  EXPECT_EQ(object->class_name, "__torch__.a.b.C");
  EXPECT_EQ(std::get<std::int64_t>(*object->attributes->find("x")), 1);
  EXPECT_THAT(refusal(PickleWriter().global("collections", "OrderedDict").raw(")\x81")),
              HasSubstr("TorchScript class"));
  EXPECT_THAT(refusal(PickleWriter().global("__torch__", "C").raw(")R")), HasSubstr("__torch__.C"));
}

TEST(TorchArchive, StructuresThatContainThemselvesAreRefused) {
  EXPECT_THAT(refusal(PickleWriter().raw("]q").raw("\x01h\x01"
                                                   "a")),
              HasSubstr("contains itself"));
  EXPECT_EQ(refusal(PickleWriter().raw("]]q\x01"
                                       "ah\x01"
                                       "a")),
            "")
      << "twice in one list is no cycle";
  EXPECT_THAT(refusal(PickleWriter().raw("]q\x01]q\x02h\x01"
                                         "ah\x01h\x02"
                                         "a")),
              HasSubstr("contains itself"));
  EXPECT_THAT(refusal(PickleWriter().raw("}q\x01").text("k").raw("h\x01s")), HasSubstr("contains itself"));
  EXPECT_THAT(refusal(PickleWriter().global("__torch__", "C").raw(")\x81q\x01}").text("k").raw("h\x01sb")),
              HasSubstr("contains itself"));
}

TEST(TorchArchive, DepthAndSizeAreBounded) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "]";
  for (int i = 0; i < 99999; ++i) deep += "a";
  EXPECT_THAT(refusal(PickleWriter().raw(deep)), HasSubstr("nested deeper"));
  std::string doubling = "]";
  for (char level = 1; level < 40; ++level) doubling += std::string("q") + level + "]h" + level + "ah" + level + "a";
  EXPECT_THAT(refusal(PickleWriter().raw(doubling)), HasSubstr("too large"));
  EXPECT_THAT(refusal(PickleWriter().raw(std::string(5'000'000, 'N'))), HasSubstr("too many"));
}

TEST(TorchArchive, BrokenPicklesAreRefused) {
  EXPECT_THAT(refusal(PickleWriter().raw("0")), HasSubstr("stack"));
  EXPECT_THAT(refusal(PickleWriter().raw("t")), HasSubstr("mark"));
  EXPECT_THAT(refusal(PickleWriter().raw("N(0")), HasSubstr("stack"));
  EXPECT_THAT(refusal(PickleWriter().raw("NN")), HasSubstr("left over"));
  EXPECT_THAT(refusal(PickleWriter().raw("h\x05")), HasSubstr("recalls"));
  EXPECT_THAT(refusal(PickleWriter().raw("NQ")), HasSubstr("storage without"));
  EXPECT_THAT(refusal(PickleWriter().raw("X\xff\xff\xff\x7f")), HasSubstr("cut off"));
  EXPECT_THAT(refusal(PickleWriter().raw("\x8d\xff\xff\xff\xff\xff\xff\xff\xff")), HasSubstr("cut off"));
  EXPECT_THAT(refusal(PickleWriter().raw("cmodule")), HasSubstr("cut off"));
  EXPECT_THAT(refusal(PickleWriter().raw("\x8a\x09"
                                         "123456789")),
              HasSubstr("64 bits"));
  EXPECT_THAT(refusal(PickleWriter().raw("P")), HasSubstr("opcode 0x50"));
  EXPECT_THAT(refusal(PickleWriter().raw("NNa")), HasSubstr("not a list"));
  EXPECT_THAT(refusal(PickleWriter().raw("}NNNs")), HasSubstr("not a dict"));
}

TEST(TorchArchive, OtherFilesAreRefusedWithAdvice) {
  const auto parse_text = [](const std::string& text) {
    return error_of([&] { parse_torch_archive(test::to_bytes(text), "f.pth"); });
  };
  EXPECT_THAT(parse_text("\x80\x02\x8a\x0al\xfc\x9c"), HasSubstr("before 1.6"));
  EXPECT_THAT(parse_text("hello"), HasSubstr("not a PyTorch file"));
  EXPECT_THAT(parse_text("PK"), HasSubstr("zip"));
  EXPECT_THAT(error_of([] { parse_torch_archive(test::zip_of({{"a/b.txt", "x"}}), "f"); }), HasSubstr("no data.pkl"));
  EXPECT_THAT(error_of([] {
                parse_torch_archive(test::zip_of({{"a/data.pkl", "N."}, {"b/data.pkl", "N."}}), "f");
              }),
              HasSubstr("several data.pkl"));
  EXPECT_THAT(refusal(PickleWriter().raw("N"), {{"archive/byteorder", "big"}}), HasSubstr("little-endian"));
  EXPECT_EQ(refusal(PickleWriter().raw("N"), {{"archive/byteorder", "little"}}), "");
  EXPECT_THAT(error_of([] { read_torch_archive("/no/such/file"); }), HasSubstr("/no/such/file"));
}

TEST(TorchArchive, ZipBombsAreRefused) {
  const std::string zeros(64u << 20, '\0');
  const auto pickle = PickleWriter().tensor("ByteStorage", "0", 64 << 20, 0, {1}, {1}).finish();
  const auto bytes = test::zip_of({{"archive/data.pkl", pickle}, {"archive/data/0", zeros}}, true);
  ASSERT_LT(bytes.size(), 1u << 20);
  EXPECT_THAT(error_of([&] { parse_torch_archive(bytes, "f"); }), HasSubstr("unpacks to far more"));
}

TEST(TorchArchive, DamagedStorageIsFoundByItsChecksum) {
  auto bytes = archive_of(PickleWriter().tensor("FloatStorage", "0", 2, 0, {2}, {1}).finish(),
                          {{"archive/data/0", floats({3.25f, 4.5f})}});
  const std::string wanted = floats({3.25f, 4.5f});
  const auto text = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  bytes[text.find(wanted)] ^= std::byte{1};
  EXPECT_THAT(error_of([&] { parse_torch_archive(bytes, "f"); }), AllOf(HasSubstr("archive/data/0"), HasSubstr("CRC")));
}

TEST(TorchArchive, MemoryIsInProportionToThePickle) {
  std::string memoized;
  for (int n = 0; n < 500'000; ++n) memoized += "}\x94";
  EXPECT_THAT(refusal(PickleWriter().raw(memoized)), HasSubstr("far more memory"));
  EXPECT_THAT(refusal(PickleWriter().raw(std::string(1'000'000, ')'))), HasSubstr("far more memory"));
  EXPECT_THAT(refusal(PickleWriter().raw("](" + std::string(100'000, 'N') + "e")), "");
}

TEST(TorchArchive, LongNamesAreNotCopiedWithoutEnd) {
  const std::string name = "__torch__." + std::string(1'000'000, 'a');
  EXPECT_THAT(
      refusal(PickleWriter().global(name, "x")),
      AllOf(HasSubstr("a name of more than 512 letters: __torch__.aaa"), ::testing::SizeIs(::testing::Lt(300))));
  EXPECT_THAT(refusal(PickleWriter().text(name).text("x").raw("\x93")), HasSubstr("a name of more than 512 letters"));
}

TEST(TorchArchive, SmallZipBombsAreRefused) {
  const std::string pickle = PickleWriter().raw(std::string(4'000'000, ')')).finish();
  EXPECT_THAT(error_of([&] {
                parse_torch_archive(test::zip_of({{"archive/data.pkl", pickle}}, true), "f");
              }),
              HasSubstr("unpacks to far more"));
}

}  // namespace
}  // namespace grapevine
