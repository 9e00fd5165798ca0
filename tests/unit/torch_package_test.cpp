#include "formats/archives/torch_package.hpp"

#include <gmock/gmock.h>

#include "nequip_builder.hpp"
#include "test_files.hpp"

namespace grapevine {
namespace {

using test::error_of;
using test::PickleWriter;
using test::python_integer;
using test::python_object;
using test::python_text;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const PicklePackages packages = {"torch.nn", "some.package"};

std::vector<std::byte> package_of(const std::string& pickle, const test::Entries& more = {}) {
  test::Entries entries = {{"p/.data/extern_modules", "torch"}, {"p/byteorder", "little"}, {"p/model/m.pkl", pickle}};
  entries.insert(entries.end(), more.begin(), more.end());
  return test::zip_of(entries);
}

PickleValue read(const std::vector<std::byte>& bytes) {
  TorchPackage package(bytes, "some.zip");
  return package.pickle("model/m.pkl", packages);
}

PickleValue read_opcodes(const std::string& opcodes, const test::Entries& more = {}) {
  return read(package_of(PickleWriter().raw(opcodes).finish(), more));
}

std::string refusal(const std::string& opcodes, const test::Entries& more = {}) {
  return error_of([&] { read_opcodes(opcodes, more); });
}

const PickleObject& object_of(const PickleValue& value) { return *std::get<std::shared_ptr<PickleObject>>(value); }

TEST(TorchPackage, ObjectsAreDescribedByNameArgumentsAndAttributes) {
  const PickleValue value =
      read_opcodes(python_object("some.package.inside", "Thing", {python_integer(7)}, {{"a", python_integer(3)}}));
  EXPECT_EQ(object_of(value).class_name, "some.package.inside.Thing");
  EXPECT_EQ(std::get<std::int64_t>(object_of(value).arguments->items[0]), 7);
  EXPECT_EQ(std::get<std::int64_t>(*object_of(value).attributes->find("a")), 3);
}

TEST(TorchPackage, CallsAreDescribedAndNotMade) {
  const PickleValue value = read_opcodes("cbuiltins\ngetattr\n(ctorch.nn\nfunctional\n" + python_text("silu") + "tR");
  EXPECT_EQ(object_of(value).class_name, "builtins.getattr");
  EXPECT_EQ(*pickle_text(object_of(value).arguments->items[1]), "silu");
  EXPECT_EQ(object_of(read_opcodes("cbuiltins\nset\n(]tR")).class_name, "builtins.set");
}

TEST(TorchPackage, StorageIsFoundByItsNumber) {
  const std::string tensor = "ctorch._utils\n_rebuild_tensor_v2\n((" + python_text("storage") +
                             "ctorch\nFloatStorage\n" + python_integer(3) + python_text("cpu") + python_integer(2) +
                             "tQ" + python_integer(0) +
                             "(K\x02t(K\x01t\x89"
                             "ccollections\nOrderedDict\n)RtR";
  const PickleValue value = read_opcodes(tensor, {{"p/.data/3.storage", std::string("\0\0\x80\x3f\0\0\0\x40", 8)}});
  EXPECT_THAT(pickle_tensor(value)->to_doubles(), ElementsAre(1, 2));
  EXPECT_THAT(refusal(tensor), HasSubstr("p/.data/3.storage is missing"));
  EXPECT_THAT(refusal(tensor, {{"p/.data/3.storage", "1234"}}), HasSubstr("4 bytes"));
}

TEST(TorchPackage, OtherNamesAreRefused) {
  EXPECT_THAT(refusal("cos\nsystem\n(" + python_text("true") + "tR"),
              AllOf(HasSubstr("some.zip"), HasSubstr("os.system")));
  for (const char* name : {"builtins\neval", "builtins\nexec", "torch\nload", "some.packagex\nA", "some\nA",
                           "numpy\nload", "subprocess\nrun", "posix\nsystem"})
    EXPECT_THAT(refusal("c" + std::string(name) + "\n"), HasSubstr("refused: the pickle asks for")) << name;
}

TEST(TorchPackage, ObjectsThatContainThemselvesAreRefused) {
  EXPECT_THAT(refusal("csome.package\nA\n)\x81q\x01}" + python_text("a") + "h\x01sb"), HasSubstr("contains itself"));
  EXPECT_THAT(refusal("csome.package\nA\n)\x81}b}b"), HasSubstr("dict of attributes"));
  std::string deep = "csome.package\nA\n)\x81";
  for (int i = 0; i < 70; ++i) deep = python_object("some.package", "A", {deep}, {});
  EXPECT_THAT(refusal(deep), HasSubstr("nested deeper"));
}

TEST(TorchPackage, OnlyPackagesAreOnes) {
  EXPECT_TRUE(TorchPackage::is_one(package_of("N.")));
  EXPECT_FALSE(TorchPackage::is_one(test::archive_of("N.")));
  EXPECT_FALSE(TorchPackage::is_one(test::to_bytes("PK but no archive")));
  EXPECT_FALSE(TorchPackage::is_one({}));
  EXPECT_THAT(error_of([] { TorchPackage(test::archive_of("N."), "f"); }), HasSubstr("not a package"));
  const auto big = test::zip_of({{"p/.data/extern_modules", ""}, {"p/byteorder", "big"}});
  EXPECT_THAT(error_of([&] { TorchPackage(big, "f"); }), HasSubstr("byte order"));
  EXPECT_THAT(error_of([] {
                const auto bytes = package_of("N.");
                TorchPackage(bytes, "f").text("model/none.txt");
              }),
              HasSubstr("p/model/none.txt is missing"));
}

TEST(TorchPackage, SourcesAreNotRead) {
  EXPECT_TRUE(
      std::holds_alternative<std::monostate>(read(package_of("N.", {{"p/nequip/__init__.py", "not python ("}}))));
}

TEST(TorchPackage, DamagedFilesAreRefusedOrReadButNothingElse) {
  const std::string opcodes = python_object("some.package", "A", {python_integer(7)}, {{"a", python_text("text")}});
  test::for_each_damage(package_of(PickleWriter().raw(opcodes).finish()), 60, 300, [](const auto& bytes) {
    if (TorchPackage::is_one(bytes)) error_of([&] { read(bytes); });
  });
}

}  // namespace
}  // namespace grapevine
