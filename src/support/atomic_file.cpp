#include "support/atomic_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "support/error.hpp"
#include "support/unfinished_files.hpp"

namespace grapevine {

AtomicFile::AtomicFile(std::filesystem::path path)
    : path_(std::move(path)), temporary_(fmt::format("{}.part-{}", path_.string(), getpid())) {
  // Renaming onto a device such as /dev/null would put a file in its place.
  std::error_code ignored;
  if (std::filesystem::exists(path_, ignored) && !std::filesystem::is_regular_file(path_, ignored))
    throw Error(fmt::format("cannot write {}: it is a folder or a device; name a file", path_.string()));
  add_unfinished_file(temporary_);
  stream_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (stream_) return;
  const int problem = errno;
  forget_unfinished_file(temporary_);
  throw Error(fmt::format("cannot write {}: {}; check that the folder exists and may be written", path_.string(),
                          std::strerror(problem)));
}

AtomicFile::~AtomicFile() {
  if (!committed_) {
    stream_.close();
    std::error_code ignored;
    std::filesystem::remove(temporary_, ignored);
  }
  forget_unfinished_file(temporary_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  stream_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void AtomicFile::write(std::string_view text) { stream_ << text; }

void AtomicFile::commit() {
  stream_.close();
  if (!stream_) throw Error(fmt::format("cannot write {}: {}", path_.string(), std::strerror(errno)));
  std::error_code problem;
  std::filesystem::rename(temporary_, path_, problem);
  if (problem) throw Error(fmt::format("cannot write {}: {}", path_.string(), problem.message()));
  committed_ = true;
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace grapevine
