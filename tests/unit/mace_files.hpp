#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "models/mace/parameters.hpp"
#include "torch_builder.hpp"

namespace grapevine::test {

/// A file of mace-torch, to be changed before it is read.
class MaceFile {
 public:
  /// One of the golden cases, e.g. "nu-one".
  explicit MaceFile(const std::string& name);

  /// Changes the first place in the pickle where `from` stands; throws Error if there is none.
  MaceFile& replace(const std::string& from, const std::string& to);
  /// Changes all of them.
  MaceFile& replace_all(const std::string& from, const std::string& to);
  /// Changes the value of the first attribute of this name: opcodes `from` behind it become `to`.
  MaceFile& set(const std::string& attribute, const std::string& from, const std::string& to);

  std::string& pickle() { return *pickle_; }
  std::vector<std::byte> bytes() const { return zip_of(entries_); }

 private:
  Entries entries_;
  std::string* pickle_ = nullptr;
};

/// The file of a golden case, in the project or beside the checkout; does not exist where the latter is absent.
std::filesystem::path mace_path(const std::string& name);

mace::Parameters import_mace_bytes(const std::vector<std::byte>& bytes, const std::string& head = "");
mace::Parameters imported_mace(const std::string& name, const std::string& head = "");

}  // namespace grapevine::test
