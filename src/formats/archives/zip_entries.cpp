#include "formats/archives/zip_entries.hpp"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <utility>

#include "support/error.hpp"

namespace grapevine {
namespace {

// Weights hardly compress; the sources of TorchScript do, and are small.
constexpr std::uint64_t expansion = 8;
constexpr std::uint64_t free_allowance = 1u << 20;
constexpr zip_int64_t max_entries = 1'000'000;

struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::string text_of(zip_error_t& error) {
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

struct ZipEntries::Archive {
  zip_t* handle = nullptr;

  ~Archive() {
    if (handle) zip_discard(handle);
  }
};

ZipEntries::ZipEntries(std::span<const std::byte> bytes, std::string name)
    : archive_(std::make_unique<Archive>()),
      name_(std::move(name)),
      unpacked_(bytes.size() * expansion + free_allowance,
                fmt::format("{}: unpacks to far more than its own size; refused", name_)) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source) archive_->handle = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (!archive_->handle) {
    if (source) zip_source_free(source);
    throw Error(fmt::format("{}: not a readable zip archive: {}", name_, text_of(error)));
  }
  zip_error_fini(&error);

  const zip_int64_t count = zip_get_num_entries(archive_->handle, 0);
  if (count > max_entries) throw Error(fmt::format("{}: too many entries in the zip archive", name_));
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* entry = zip_get_name(archive_->handle, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    if (!entry || !indices_.emplace(entry, i).second)
      throw Error(fmt::format("{}: an entry of the zip archive is given twice or has no name", name_));
  }
}

ZipEntries::~ZipEntries() = default;

std::vector<std::byte> ZipEntries::read(const std::string& entry) {
  const auto found = indices_.find(entry);
  if (found == indices_.end())
    throw Error(fmt::format("{}: the entry {} is missing; is the file cut off?", name_, entry));
  const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(archive_->handle, found->second, 0));
  if (!file) throw Error(fmt::format("{}: cannot read entry {}: {}", name_, entry, zip_strerror(archive_->handle)));
  std::vector<std::byte> content;
  std::array<std::byte, 65536> buffer;
  while (true) {
    const zip_int64_t count = zip_fread(file.get(), buffer.data(), buffer.size());
    if (count < 0) throw Error(fmt::format("{}: entry {} is damaged: {}", name_, entry, zip_file_strerror(file.get())));
    if (count == 0) return content;
    unpacked_.spend(static_cast<std::uint64_t>(count));
    content.insert(content.end(), buffer.begin(), buffer.begin() + count);
  }
}

std::string ZipEntries::read_text(const std::string& entry) {
  const std::vector<std::byte> bytes = read(entry);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> ZipEntries::folders_with(std::string_view entry) const {
  std::vector<std::string> folders;
  for (const auto& [name, index] : indices_) {
    const std::size_t slash = name.find('/');
    if (slash != std::string::npos && std::string_view(name).substr(slash + 1) == entry)
      folders.push_back(name.substr(0, slash + 1));
  }
  return folders;
}

}  // namespace grapevine
