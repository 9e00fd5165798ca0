#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace grapevine {

/// The bytes of a whole file, mapped read-only.
class MappedFile {
 public:
  /// Throws Error, naming the file, if it is missing, empty, not a regular file or not readable.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace grapevine
