#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "formats/allowance.hpp"
#include "formats/archives/pickle.hpp"

namespace grapevine {

/// The tensors of a SevenNet checkpoint under the names that its versions since 0.10 use. Remembers which were read.
class SevenNetState {
 public:
  /// Throws Error if anything is not a tensor, there twice, or if all of them have more than `numbers`.
  SevenNetState(const PickleDict& state_dict, std::string file, Allowance numbers);

  const TorchTensor* find(const std::string& name);  ///< null if there is none

  /// Throw Error, naming file and tensor, if it is missing, not of floating point type or not of that size.
  const TorchTensor& tensor(const std::string& name);
  std::vector<double> values(const std::string& name);
  std::vector<double> values(const std::string& name, std::size_t count);

  /// Throws Error for a tensor that was not read, unless it is empty or one of the constants that e3nn stores;
  /// `accelerated` allows those of other implementations of the products too.
  void check_all_read(bool accelerated) const;

 private:
  std::string file_;
  std::map<std::string, const TorchTensor*> tensors_;
  std::set<std::string> read_;
};

}  // namespace grapevine
