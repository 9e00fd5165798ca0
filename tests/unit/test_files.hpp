#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "support/error.hpp"

namespace grapevine::test {

inline std::filesystem::path source_folder() { return GRAPEVINE_SOURCE_DIR; }
inline std::filesystem::path golden_folder() { return source_folder() / "tests/data/golden"; }

/// Material that may not be part of the project lies beside the checkout; tests that need it skip without it.
inline std::filesystem::path shared_folder() { return source_folder() / "../shared"; }

inline std::filesystem::path temporary_path(const std::string& name) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string file = std::string("grapevine-") + test->test_suite_name() + "-" + test->name() + "-" + name;
  std::replace(file.begin(), file.end(), '/', '-');
  return std::filesystem::path(testing::TempDir()) / file;
}

inline std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

inline std::vector<std::byte> to_bytes(const std::string& text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// The text of the Error that `action` throws; empty if it throws none.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Calls `check` with copies of `bytes`: cut off at many places, and with single bits turned over.
inline void for_each_damage(const std::vector<std::byte>& bytes, std::size_t cuts, std::size_t flips,
                            const std::function<void(const std::vector<std::byte>&)>& check) {
  for (std::size_t i = 0; i < cuts; ++i)
    check({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() * i / cuts)});
  std::vector<std::byte> damaged = bytes;
  for (std::size_t i = 0; i < flips; ++i) {
    const std::size_t place = bytes.size() * i / flips;
    damaged[place] ^= std::byte{1} << (i % 8);
    check(damaged);
    damaged[place] = bytes[place];
  }
}

}  // namespace grapevine::test
