#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "torch_builder.hpp"

namespace grapevine::test {

/// A small model of NequIP's program, in pieces, to be changed before it is written.
struct NequipFile {
  std::string version = "0.19.1";
  std::string training = "nequip.train.NequIPLightningModule";
  PythonItems model;               ///< configuration of the network, keys as plain text
  PythonItems more;                ///< of the whole checkpoint, keys as plain text
  std::vector<StateTensor> state;  ///< names as in the model, e.g. "factor"

  void set(const std::string& key, const std::string& opcodes);
  void drop(const std::string& key);
  StateTensor& tensor(const std::string& name);
  void drop_tensor(const std::string& name);
  void average(const std::vector<StateTensor>& weights);  ///< makes it a file of EMALightningModule

  std::vector<std::byte> checkpoint() const;
};

/// Types C1 and O, two layers, features 2x0e+2x1o, then 2x0e, type embedding of 3, two Bessel functions, one hidden
/// layer of 4 in the radial networks. No two weights are equal.
NequipFile small_nequip();

/// Opcodes of an object of a class in the way of Python's copyreg: made of a tuple of `arguments`, then given
/// `attributes` (keys as plain text) if there are any.
std::string python_object(const std::string& module, const std::string& name, const std::vector<std::string>& arguments,
                          const PythonItems& attributes);

/// The modules of small_nequip() as a package has them.
struct NequipPackage {
  std::string metadata = "package_version_id: 2\nversions:\n  e3nn: 0.6.0\n  nequip: 0.19.1\n  torch: 2.8.0\n";
  PythonItems layer_attributes;  ///< of the last layer; replace those of the same name
  PythonItems models;            ///< besides the one that counts
  PythonItems modules;           ///< besides those of the network

  std::vector<std::byte> bytes(const NequipFile& file) const;
};

}  // namespace grapevine::test
