#pragma once

#include <filesystem>

namespace grapevine {

/// Keeps other processes that ask likewise from a file while it lives; ends with the process, however that ends. Where
/// the file system has no locks it does nothing.
class FileLock {
 public:
  /// Throws Error if the file cannot be opened, or if another has it.
  explicit FileLock(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  int descriptor_ = -1;
};

}  // namespace grapevine
