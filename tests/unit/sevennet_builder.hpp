#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "torch_builder.hpp"

namespace grapevine::test {

/// A SevenNet checkpoint in pieces, to be changed before it is written.
struct SevenNetFile {
  PythonItems config;              ///< keys as plain text
  std::vector<StateTensor> state;  ///< model_state_dict

  void set(const std::string& key, const std::string& opcodes);
  void drop(const std::string& key);
  StateTensor& tensor(const std::string& name);
  void drop_tensor(const std::string& name);

  std::vector<std::byte> bytes() const;
};

/// Species O and H, three interactions, features 2x0e, 3x0e+2x1e, 3x0e+2x1e, 2x0e, products with harmonics of orders 0
/// and 1, no parity, three Bessel functions, one hidden layer of 4 in the radial networks, linear self connections. No
/// two weights are equal.
SevenNetFile small_sevennet();

}  // namespace grapevine::test
