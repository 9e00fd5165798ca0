#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "formats/allowance.hpp"
#include "formats/archives/pickle.hpp"
#include "formats/archives/zip_entries.hpp"

namespace grapevine {

/// A file written by torch.package: a zip archive with pickles, texts, the numbers behind tensors and, as sources of
/// Python, all the code that its pickles need. The sources are not read.
class TorchPackage {
 public:
  /// Whether these bytes are one, whatever it holds.
  static bool is_one(std::span<const std::byte> bytes);

  /// `bytes` must outlive this object; `name` stands for the file in messages. Throws Error, naming the file, if it is
  /// not a package or not little-endian.
  TorchPackage(std::span<const std::byte> bytes, std::string name);

  const std::string& name() const { return name_; }
  bool has(const std::string& entry) const;  ///< e.g. "model/eager_model.pkl"
  std::string text(const std::string& entry);
  /// What read_pickle makes of an entry; names of `packages` are understood.
  PickleValue pickle(const std::string& entry, const PicklePackages& packages);

  /// Numbers that the tensors of a model may have in all, one storage under many of them counted each time.
  Allowance number_allowance() const;

 private:
  std::string name_;
  std::size_t bytes_;
  ZipEntries entries_;
  std::string root_;  ///< folder of everything, with a slash at its end
  std::map<std::string, std::shared_ptr<const std::vector<std::byte>>> storages_;
};

}  // namespace grapevine
