#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string_view>

namespace grapevine {

/// A file that appears under its name only when complete: it is written to a temporary in the same folder, brought to
/// disk and renamed by commit(). Without commit() the temporary is removed and an older file of that name stays as it
/// was. A symbolic link stays, and what it points to is written.
///
/// The temporary is locked (flock) while its writer lives, so that what a killed one has left can be told from a file
/// at work on, by another process or machine: the next AtomicFile of the same name removes it.
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
  void open_temporary();
  [[noreturn]] void fail(int problem) const;

  std::filesystem::path path_;    // as given, for messages
  std::filesystem::path target_;  // what it stands for
  std::filesystem::path temporary_;
  int descriptor_ = -1;  // of the temporary: holds its lock
  std::ofstream stream_;
  bool committed_ = false;
};

/// Writes `text` as an AtomicFile. Throws Error if it cannot.
void write_text_file(const std::filesystem::path& path, std::string_view text);

}  // namespace grapevine
