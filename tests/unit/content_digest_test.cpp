#include "formats/model_files/content_digest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "formats/sha256.hpp"
#include "models/reann/file.hpp"
#include "models/registry.hpp"
#include "reann_reference.hpp"
#include "test_files.hpp"

namespace grapevine::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// A small model, as it is written.
std::vector<std::byte> model_bytes() {
  const ReannSizes sizes{.cutoff = 4.0, .waves = 1, .max_order = 0, .orbitals = 1, .layers = 0, .widths = {2}};
  const std::filesystem::path path = temporary_path("model.safetensors");
  reann::write_model(path, random_parameters(sizes, 5), {"here", std::string(64, '0'), "random", "a note"});
  const std::vector<std::byte> bytes = read_bytes(path);
  std::filesystem::remove(path);
  return bytes;
}

std::string refusal(const std::vector<std::byte>& bytes) {
  return error_of([&] { make_potential(TensorFile::parse(bytes, "m.safetensors")); });
}

std::size_t place_of(const std::vector<std::byte>& bytes, std::string_view text) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find(text);
}

TEST(ContentDigest, EveryFlippedBitOfAModelIsNoticed) {
  std::vector<std::byte> bytes = model_bytes();
  ASSERT_THAT(refusal(bytes), IsEmpty());
  // A file in which the digest's own name is damaged has none, as older files.
  const std::size_t name = place_of(bytes, "\"sha256\"");
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    if (place >= name && place < name + std::string_view("\"sha256\"").size()) continue;
    const std::byte before = bytes[place];
    bytes[place] ^= std::byte{1} << (place % 8);
    EXPECT_NE(refusal(bytes), "") << "at byte " << place;
    bytes[place] = before;
  }
}

TEST(ContentDigest, ADamagedWeightIsOneLineThatNamesTheFile) {
  std::vector<std::byte> bytes = model_bytes();
  bytes.back() ^= std::byte{1};
  EXPECT_THAT(refusal(bytes), HasSubstr("m.safetensors: damaged: "));
  EXPECT_EQ(refusal(bytes).find('\n'), std::string::npos);
}

TEST(ContentDigest, FilesWithoutOneAreRead) {
  for (const char* name : {"local-s-only", "nequip-modalities"}) {
    const TensorFile file =
        TensorFile::read(source_folder() / "tests/data/models" / (std::string(name) + ".safetensors"));
    EXPECT_EQ(file.metadata().count(digest_key), 0u);
    EXPECT_THAT(error_of([&] { make_potential(file); }), IsEmpty());
  }
}

TEST(ContentDigest, DependsOnContentNotOnLayout) {
  const auto bytes = to_bytes("12345678");
  const std::span<const std::byte> all(bytes);
  using Tensors = std::map<std::string, TensorView>;
  const Tensors tensors{{"x", {DType::f32, {2}, all}}};
  const std::string digest = content_digest({{"a", "b"}}, tensors);
  EXPECT_EQ(digest, content_digest({{"a", "b"}, {digest_key, "anything"}}, tensors));
  EXPECT_EQ(digest, sha256(to_bytes(std::string("a\0b\0x\0F32\0"
                                                "2\0"
                                                "12345678",
                                                20))));
  EXPECT_NE(digest, content_digest({{"a", "c"}}, tensors));
  EXPECT_NE(digest, content_digest({{"ab", ""}}, tensors));
  EXPECT_NE(digest, content_digest({{"a", "b"}}, Tensors{{"y", {DType::f32, {2}, all}}}));
  EXPECT_NE(digest, content_digest({{"a", "b"}}, Tensors{{"x", {DType::f32, {1, 2}, all}}}));
  EXPECT_NE(digest, content_digest({{"a", "b"}}, Tensors{{"x", {DType::i32, {2}, all}}}));
}

}  // namespace
}  // namespace grapevine::test
