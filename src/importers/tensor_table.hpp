#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "formats/allowance.hpp"
#include "formats/archives/pickle.hpp"

namespace grapevine {

/// The tensors of a model by name. Remembers which were read.
class TensorTable {
 public:
  /// All of them may have as many numbers as `numbers` allows.
  TensorTable(std::string file, Allowance numbers) : file_(std::move(file)), numbers_(std::move(numbers)) {}

  /// Throws Error if there is one of that name, or there are too many numbers.
  void add(const std::string& name, const TorchTensor& tensor);

  const TorchTensor* find(const std::string& name);  ///< null if there is none

  /// Throw Error, naming file and tensor, if it is missing, not of floating point type or not of that size.
  const TorchTensor& tensor(const std::string& name);
  std::vector<double> values(const std::string& name);
  std::vector<double> values(const std::string& name, std::size_t count);

  /// Throws Error for a tensor that was not read, unless it is empty or `is_constant` says that no weight is in it.
  template <class IsConstant>
  void check_all_read(const IsConstant& is_constant) const {
    for (const auto& [name, tensor] : tensors_)
      if (read_.count(name) == 0 && tensor.count() > 0 && !is_constant(name)) refuse(name);
  }

  const std::map<std::string, TorchTensor>& all() const { return tensors_; }
  const std::string& file() const { return file_; }

 private:
  [[noreturn]] void refuse(const std::string& name) const;

  std::string file_;
  Allowance numbers_;
  std::map<std::string, TorchTensor> tensors_;
  std::set<std::string> read_;
};

}  // namespace grapevine
