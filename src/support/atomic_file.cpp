#include "support/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "support/error.hpp"
#include "support/output_path.hpp"
#include "support/unfinished_files.hpp"

namespace grapevine {
namespace {

// Long enough not to be a name that anyone gives to a file of their own.
constexpr const char* temporary_mark = ".grapevine-part-";

std::filesystem::path folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  return folder.empty() ? "." : folder;
}

void remove_unless_locked(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) unlink(path.c_str());
  close(descriptor);
}

/// Removes temporaries of `target` whose writers are gone.
void remove_leftovers(const std::filesystem::path& target) {
  const std::string start = target.filename().string() + temporary_mark;
  std::error_code problem;
  std::filesystem::directory_iterator entry(folder_of(target), problem);
  for (; !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem))
    if (entry->path().filename().string().starts_with(start)) remove_unless_locked(entry->path());
}

/// Another process may have taken the file for a leftover before it was locked.
bool is_linked(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && status.st_nlink > 0;
}

/// 0, or what went wrong.
int sync_folder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return 0;  // may be written but not read
  const int problem = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  return problem == EINVAL || problem == ENOTSUP ? 0 : problem;
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), target_(link_target(path_)) {
  // Renaming onto a device such as /dev/null would put a file in its place.
  std::error_code ignored;
  if (std::filesystem::exists(target_, ignored) && !std::filesystem::is_regular_file(target_, ignored))
    throw Error(fmt::format("cannot write {}: it is a folder or a device; name a file", path_.string()));
  remove_leftovers(target_);
  open_temporary();
  stream_.open(temporary_, std::ios::binary | std::ios::trunc);
  if (stream_) return;
  const int problem = errno;
  unlink(temporary_.c_str());
  forget_unfinished_file(temporary_);
  close(descriptor_);
  fail(problem);
}

AtomicFile::~AtomicFile() {
  if (!committed_) {
    stream_.close();
    unlink(temporary_.c_str());
  }
  forget_unfinished_file(temporary_);
  close(descriptor_);
}

void AtomicFile::open_temporary() {
  for (int number = 0;; ++number) {
    temporary_ = fmt::format("{}{}{}-{}", target_.string(), temporary_mark, getpid(), number);
    descriptor_ = open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno == EEXIST) continue;
    if (descriptor_ < 0)
      throw Error(fmt::format("cannot write {}: {}; check that the folder exists and may be written", path_.string(),
                              std::strerror(errno)));
    // Where a file system has no locks, nothing is ever taken for a leftover.
    while (flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) continue;
    if (is_linked(descriptor_)) break;
    close(descriptor_);
  }
  add_unfinished_file(temporary_);
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  stream_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

void AtomicFile::write(std::string_view text) { stream_ << text; }

void AtomicFile::commit() {
  stream_.close();
  // Renamed before its bytes are on disk, the name could stand for an empty file after a power failure.
  if (!stream_ || fsync(descriptor_) != 0) fail(errno);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  committed_ = true;
  if (const int problem = sync_folder(folder_of(target_)); problem != 0) fail(problem);
}

void AtomicFile::fail(int problem) const {
  throw Error(fmt::format("cannot write {}: {}", path_.string(), std::strerror(problem)));
}

void write_text_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace grapevine
