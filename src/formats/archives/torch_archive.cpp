#include "formats/archives/torch_archive.hpp"

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <vector>

#include "formats/archives/zip_entries.hpp"
#include "formats/mapped_file.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::string_view pickle_entry = "data.pkl";

bool starts_with(std::span<const std::byte> bytes, std::string_view prefix) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.starts_with(prefix);
}

void check_is_zip(std::span<const std::byte> bytes, const std::string& name) {
  if (starts_with(bytes, "PK")) return;
  const bool pickle =
      starts_with(bytes, "\x80\x02") || starts_with(bytes, "\x80\x03") || starts_with(bytes, "\x80\x04");
  if (pickle)
    throw Error(
        fmt::format("{}: a file in the format PyTorch wrote before 1.6; load it in a newer PyTorch and torch.save "
                    "it again",
                    name));
  throw Error(fmt::format("{}: not a PyTorch file (these are zip archives)", name));
}

/// The folder inside the archive that holds data.pkl, with a slash at its end.
std::string root_folder(const ZipEntries& entries, const std::string& name) {
  const std::vector<std::string> folders = entries.folders_with(pickle_entry);
  if (folders.size() != 1)
    throw Error(fmt::format("{}: {} in the zip archive; save it again with PyTorch 1.6 or newer", name,
                            folders.empty() ? "no data.pkl" : "several data.pkl"));
  return folders.front();
}

void check_byte_order(ZipEntries& entries, const std::string& root, const std::string& name) {
  const std::string entry = root + "byteorder";
  if (entries.indices().count(entry) == 0) return;
  if (entries.read_text(entry) != "little")
    throw Error(fmt::format("{}: its byte order is not little-endian; save it again on a little-endian machine", name));
}

std::map<std::string, std::string> read_code(ZipEntries& entries, const std::string& root) {
  std::map<std::string, std::string> code;
  for (const auto& [entry, index] : entries.indices())
    if (entry.starts_with(root + "code/") && entry.ends_with(".py"))
      code[entry.substr(root.size())] = entries.read_text(entry);
  return code;
}

}  // namespace

TorchArchive read_torch_archive(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_torch_archive(file.bytes(), path.string());
}

TorchHead torch_head(std::span<const std::byte> bytes) {
  TorchHead head;
  if (!starts_with(bytes, "PK")) return head;
  try {
    ZipEntries entries(bytes, "");
    head.pickle = entries.read(root_folder(entries, "") + std::string(pickle_entry));
    if (const auto global = first_global(head.pickle)) head.class_name = global->full_name();
  } catch (const Error&) {
    return {};
  }
  return head;
}

TorchArchive parse_torch_archive(std::span<const std::byte> bytes, const std::string& name,
                                 const PicklePackages& packages) {
  check_is_zip(bytes, name);
  ZipEntries entries(bytes, name);
  const std::string root = root_folder(entries, name);
  check_byte_order(entries, root, name);

  std::map<std::string, std::shared_ptr<const std::vector<std::byte>>> storages;
  const StorageLoader load = [&](const std::string& key) {
    auto& bytes_of_key = storages[key];
    if (!bytes_of_key)
      bytes_of_key = std::make_shared<const std::vector<std::byte>>(entries.read(root + "data/" + key));
    return bytes_of_key;
  };
  TorchArchive archive;
  archive.name = name;
  archive.bytes = bytes.size();
  archive.root = read_pickle(entries.read(root + std::string(pickle_entry)), name + ": data.pkl", load, packages);
  archive.code = read_code(entries, root);
  return archive;
}

Allowance number_allowance(const TorchArchive& archive) { return number_allowance(archive.bytes, archive.name); }

Allowance number_allowance(std::size_t bytes, const std::string& name) {
  constexpr std::uint64_t free_numbers = 1'000'000;
  return {free_numbers + bytes,
          fmt::format("{}: its tensors have far more numbers than the file, as many share one storage; refused", name)};
}

}  // namespace grapevine
