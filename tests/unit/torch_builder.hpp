#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "models/reann/parameters.hpp"

namespace grapevine::test {

/// Writes the opcodes of a pickle one by one, also ones that no honest program would.
class PickleWriter {
 public:
  PickleWriter& raw(const std::string& bytes);
  PickleWriter& text(const std::string& text);
  PickleWriter& integer(std::int32_t value);
  PickleWriter& real(double value);
  PickleWriter& global(const std::string& module, const std::string& name);
  /// (('storage', torch.<type>, key, 'cpu', count), offset, shape, strides, False, OrderedDict()) rebuilt as a tensor.
  PickleWriter& tensor(const std::string& type, const std::string& key, std::int32_t count, std::int32_t offset,
                       const std::vector<std::int32_t>& shape, const std::vector<std::int32_t>& strides);
  std::string finish() const { return bytes_ + "."; }

 private:
  PickleWriter& tuple(const std::vector<std::int32_t>& values);
  std::string bytes_ = "\x80\x02";
};

/// Entries of a zip archive by name, in order.
using Entries = std::vector<std::pair<std::string, std::string>>;

std::vector<std::byte> zip_of(const Entries& entries, bool compress = false);

/// A PyTorch file of one pickle and its storages.
std::vector<std::byte> archive_of(const std::string& pickle, const Entries& more = {});

/// How to write a REANN file.
struct ReannWriting {
  bool script = false;            ///< nested TorchScript objects instead of a state_dict
  bool class_names = true;        ///< script only: real class names, else `__torch__.Module`
  bool doubles = true;            ///< float64, else float32
  bool reannparam = true;         ///< state_dict below {'reannparam': ...}
  bool shared_mixing = false;     ///< hyper once for all layers
  bool dropout = false;           ///< gaps in the indices of modules
  bool negated_gaussian = false;  ///< script only: source with exp(-inta ...)
  std::string prefix = {};        ///< e.g. "module."
};

/// A named tensor as REANN's training program calls it.
struct StateTensor {
  std::string name;
  std::vector<std::int32_t> shape;
  std::vector<double> values;
};

/// Opcodes of Python values, to be put together.
std::string python_text(const std::string& text);
std::string python_integer(std::int32_t value);
std::string python_real(double value);
std::string python_logical(bool value);
std::string python_list(const std::vector<std::string>& items);
using PythonItems = std::vector<std::pair<std::string, std::string>>;  ///< opcodes of keys and values
std::string python_dict(const PythonItems& items);
std::string torch_device(const std::string& name);
/// As numpy pickles it: type is e.g. "f4", order e.g. "<".
std::string numpy_array(const std::vector<std::int32_t>& shape, const std::string& type, const std::string& order,
                        bool columns_first, const std::string& bytes);
std::string numpy_scalar(const std::string& type, const std::string& bytes);

/// A PyTorch file {"<state_key>": these float32 tensors, more...}; `more` has keys as plain text.
std::vector<std::byte> checkpoint_file(const std::string& state_key, const std::vector<StateTensor>& state,
                                       const PythonItems& more);

/// The state_dict of these parameters; energy_shift becomes nnmod.initpot.
std::vector<StateTensor> reann_state(const reann::Parameters& parameters, const ReannWriting& writing);

/// The bytes of a REANN file with these tensors. `parameters` give the class names of activations.
std::vector<std::byte> reann_file(const std::vector<StateTensor>& state, const reann::Parameters& parameters,
                                  const ReannWriting& writing);
std::vector<std::byte> reann_file(const reann::Parameters& parameters, const ReannWriting& writing);

}  // namespace grapevine::test
