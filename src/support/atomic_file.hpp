#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>

namespace grapevine {

/// A file that appears under its name only when complete: it is written to a temporary in the same folder and
/// renamed by commit(). Without commit() the temporary is removed and an older file of that name stays as it was.
class AtomicFile {
 public:
  /// Throws Error if the folder cannot be written, or the path is a folder or a device.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  std::ostream& stream() { return stream_; }
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// Throws Error if anything could not be written (disk full, no permission).
  void commit();

  /// Where the bytes go until commit(), for libraries that open a file by name.
  const std::filesystem::path& temporary() const { return temporary_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::ofstream stream_;
  bool committed_ = false;
};

/// Writes `text` as an AtomicFile. Throws Error if it cannot.
void write_text_file(const std::filesystem::path& path, std::string_view text);

}  // namespace grapevine
