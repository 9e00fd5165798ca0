#include "support/unfinished_files.hpp"

#include <mutex>
#include <set>
#include <system_error>

namespace grapevine {
namespace {

struct UnfinishedFiles {
  std::mutex mutex;
  std::set<std::filesystem::path> paths;
};

UnfinishedFiles& unfinished() {
  static auto* const files = new UnfinishedFiles;  // others may still ask when the process ends
  return *files;
}

}  // namespace

void add_unfinished_file(const std::filesystem::path& path) {
  const std::lock_guard lock(unfinished().mutex);
  unfinished().paths.insert(path);
}

void forget_unfinished_file(const std::filesystem::path& path) {
  const std::lock_guard lock(unfinished().mutex);
  unfinished().paths.erase(path);
}

void remove_unfinished_files() {
  unfinished().mutex.lock();
  std::error_code ignored;
  for (const std::filesystem::path& path : unfinished().paths) std::filesystem::remove(path, ignored);
}

}  // namespace grapevine
