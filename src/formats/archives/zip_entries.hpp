#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/allowance.hpp"

namespace grapevine {

/// The entries of a zip archive in memory, read without trusting the sizes it declares.
class ZipEntries {
 public:
  /// `bytes` must outlive this object; `name` stands for the file in messages. Throws Error if it is not a zip archive
  /// or gives one entry name twice.
  ZipEntries(std::span<const std::byte> bytes, std::string name);
  ~ZipEntries();
  ZipEntries(const ZipEntries&) = delete;
  ZipEntries& operator=(const ZipEntries&) = delete;

  /// Index of each entry by its name.
  const std::map<std::string, std::uint64_t>& indices() const { return indices_; }

  /// Folders at the top, a slash at their ends, that hold an entry of this name.
  std::vector<std::string> folders_with(std::string_view entry) const;

  /// The content of an entry. Throws Error if it is missing, damaged (its checksum does not fit), or if all entries
  /// read so far come to far more than the archive's own size.
  std::vector<std::byte> read(const std::string& entry);
  std::string read_text(const std::string& entry);

 private:
  struct Archive;
  std::unique_ptr<Archive> archive_;
  std::string name_;
  Allowance unpacked_;  // bytes
  std::map<std::string, std::uint64_t> indices_;
};

}  // namespace grapevine
