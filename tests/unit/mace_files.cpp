#include "mace_files.hpp"

#include "formats/archives/zip_entries.hpp"
#include "importers/mace.hpp"
#include "test_files.hpp"

namespace grapevine::test {

MaceFile::MaceFile(const std::string& name) {
  const std::vector<std::byte> bytes = read_bytes(mace_path(name));
  ZipEntries zip(bytes, name);
  for (const auto& [entry, index] : zip.indices()) {
    const std::vector<std::byte> content = zip.read(entry);
    entries_.emplace_back(entry, std::string(reinterpret_cast<const char*>(content.data()), content.size()));
  }
  for (auto& [entry, content] : entries_)
    if (entry.ends_with("/data.pkl")) pickle_ = &content;
}

MaceFile& MaceFile::replace(const std::string& from, const std::string& to) {
  const std::size_t at = pickle_->find(from);
  if (at == std::string::npos) throw Error("no " + from + " in the pickle");
  pickle_->replace(at, from.size(), to);
  return *this;
}

MaceFile& MaceFile::replace_all(const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = pickle_->find(from, at)) != std::string::npos; at += to.size())
    pickle_->replace(at, from.size(), to);
  return *this;
}

MaceFile& MaceFile::set(const std::string& attribute, const std::string& from, const std::string& to) {
  const std::size_t at = pickle_->find(attribute);
  // The text may be put into the memo before its value comes.
  const std::size_t value = at == std::string::npos ? at : pickle_->find(from, at + attribute.size());
  if (value == std::string::npos || value > at + attribute.size() + 5)
    throw Error("no " + attribute + " of that value");
  pickle_->replace(value, from.size(), to);
  return *this;
}

std::filesystem::path mace_path(const std::string& name) {
  const std::filesystem::path inside = golden_folder() / ("mace-" + name) / "mace.model";
  if (std::filesystem::exists(inside)) return inside;
  const std::filesystem::path folder = shared_folder() / "golden/mace" / name;
  if (name == "mace-published-gst") return folder / "mace_gst.model";
  return folder / (name == "mace-published-spice" ? "MACE_SPICE.model" : name + ".model");
}

mace::Parameters import_mace_bytes(const std::vector<std::byte>& bytes, const std::string& head) {
  return import_mace(read_mace_archive(bytes, torch_head(bytes), "some.model"), head).parameters;
}

mace::Parameters imported_mace(const std::string& name, const std::string& head) {
  return import_mace_bytes(read_bytes(mace_path(name)), head);
}

}  // namespace grapevine::test
