#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "formats/archives/torch_archive.hpp"

namespace grapevine {

/// The contents of any of REANN's three kinds of file in one form: tensors under the names of the training program's
/// state_dict, without the `module.` that parallel training puts in front.
struct ReannState {
  std::string file;                ///< for messages
  std::string kind;                ///< for the provenance
  std::vector<std::string> names;  ///< of the tensors, in the order of the file
  std::map<std::string, std::shared_ptr<const TorchTensor>> tensors;
  std::map<std::string, std::string> classes;  ///< path of a module -> its class without package; TorchScript only
  std::map<std::string, double> numbers;       ///< floating point attributes of modules; TorchScript only
  std::map<std::string, std::string> code;     ///< TorchScript sources, as in TorchArchive

  /// Null if there is no tensor of that name.
  const TorchTensor* find(const std::string& name) const;
};

/// Throws Error, naming the file, if the archive holds nothing that looks like a REANN model.
ReannState read_reann_state(const TorchArchive& archive);

}  // namespace grapevine
