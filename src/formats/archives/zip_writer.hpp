#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grapevine {

struct ZipEntry {
  std::string name;
  std::vector<std::byte> content;
};

/// The bytes of a zip archive with these entries in their order, not compressed and without the time of day: the same
/// entries give the same bytes. Throws Error if libzip cannot make it.
std::vector<std::byte> make_zip_archive(const std::vector<ZipEntry>& entries);

}  // namespace grapevine
