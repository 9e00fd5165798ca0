#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/allowance.hpp"
#include "formats/archives/pickle.hpp"

namespace grapevine {

/// What a PyTorch file holds: torch.save of Python, a TorchScript archive, or an archive written by LibTorch. All three
/// are zip files with a pickle and one entry per storage.
struct TorchArchive {
  std::string name;                         ///< the file, for messages
  std::size_t bytes = 0;                    ///< its size
  PickleValue root;                         ///< the pickled value; an object for TorchScript and LibTorch
  std::map<std::string, std::string> code;  ///< TorchScript sources by path inside the archive; never compiled

  bool is_script() const { return std::holds_alternative<std::shared_ptr<PickleObject>>(root); }
};

/// Reads a PyTorch file. Throws Error, naming the file, for anything that is not such a file: other formats (also the
/// one PyTorch wrote before 1.6), damaged or oversized zip entries, big-endian data, and whatever read_pickle refuses.
TorchArchive read_torch_archive(const std::filesystem::path& path);

/// The same from bytes in memory; `name` stands for the file in messages. Names of `packages` are understood.
TorchArchive parse_torch_archive(std::span<const std::byte> bytes, const std::string& name,
                                 const PicklePackages& packages = {});

/// What a PyTorch file says of itself before it is read.
struct TorchHead {
  std::string class_name;         ///< of the whole, e.g. "mace.modules.models.MACE"; empty for plain data
  std::vector<std::byte> pickle;  ///< data.pkl
};

/// Nothing is in it for a file that is none, or damaged, which parse_torch_archive tells.
TorchHead torch_head(std::span<const std::byte> bytes);

/// Numbers that the tensors of a model may have in all, one storage under many of them counted each time. Half
/// precision, the shortest, comes to half a number for each byte.
Allowance number_allowance(const TorchArchive& archive);
/// The same for a file of so many bytes.
Allowance number_allowance(std::size_t bytes, const std::string& name);

}  // namespace grapevine
