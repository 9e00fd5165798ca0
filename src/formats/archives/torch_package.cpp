#include "formats/archives/torch_package.hpp"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "formats/archives/torch_archive.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr std::string_view marker = ".data/extern_modules";  // written into every package

/// The folder that holds the marker, with a slash at its end; empty if there is not exactly one.
std::string root_folder(const ZipEntries& entries) {
  const std::vector<std::string> folders = entries.folders_with(marker);
  return folders.size() == 1 ? folders.front() : "";
}

}  // namespace

bool TorchPackage::is_one(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with("PK")) return false;
  try {
    return !root_folder(ZipEntries(bytes, "")).empty();
  } catch (const Error&) {
    return false;
  }
}

TorchPackage::TorchPackage(std::span<const std::byte> bytes, std::string name)
    : name_(std::move(name)), bytes_(bytes.size()), entries_(bytes, name_), root_(root_folder(entries_)) {
  if (root_.empty()) throw Error(fmt::format("{}: not a package written by torch.package", name_));
  if (has("byteorder") && text("byteorder") != "little")
    throw Error(fmt::format("{}: its byte order is not little-endian; package it on a little-endian machine", name_));
}

bool TorchPackage::has(const std::string& entry) const { return entries_.indices().count(root_ + entry) > 0; }

std::string TorchPackage::text(const std::string& entry) { return entries_.read_text(root_ + entry); }

PickleValue TorchPackage::pickle(const std::string& entry, const PicklePackages& packages) {
  const StorageLoader load = [&](const std::string& key) {
    auto& bytes = storages_[key];
    if (!bytes)
      bytes = std::make_shared<const std::vector<std::byte>>(entries_.read(root_ + ".data/" + key + ".storage"));
    return bytes;
  };
  return read_pickle(entries_.read(root_ + entry), name_ + ": " + entry, load, packages);
}

Allowance TorchPackage::number_allowance() const { return grapevine::number_allowance(bytes_, name_); }

}  // namespace grapevine
