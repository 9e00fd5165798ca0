#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "formats/archives/pickle.hpp"
#include "models/equivariant/activation.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"

namespace grapevine {

/// A state_dict of PyTorch, in its order.
class TorchState {
 public:
  void add(std::string name, std::vector<std::int64_t> shape, std::vector<double> values);
  void add(std::string name, std::vector<double> values);  ///< one line of them
  void add_number(std::string name, double value);         ///< a tensor without dimensions
  void add_whole(std::string name, std::int64_t value);    ///< the same of i64
  void add_wholes(std::string name, const std::vector<double>& values);

  /// Numbers that are not whole get this type.
  PickleValue dict(DType dtype) const;

 private:
  struct Entry {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<double> values;
    bool integers = false;
  };
  std::vector<Entry> entries_;
};

PickleValue make_pickle_texts(const std::vector<std::string>& items);
PickleValue make_pickle_integers(const std::vector<int>& items);
PickleValue make_pickle_reals(const std::vector<double>& items);

/// The layers of an e3nn.nn.FullyConnectedNet: weights as it stores them, whose activations have e3nn's own scale.
std::vector<equivariant::Dense> e3nn_layers(const std::vector<equivariant::Dense>& layers,
                                            const equivariant::Activation& activation);
/// Adds them as NAME.layer0.weight and so on.
void add_e3nn_network(TorchState& state, const std::string& name, const std::vector<equivariant::Dense>& layers,
                      const equivariant::Activation& activation);

/// Outputs of all layers but the last.
std::vector<int> widths_between(const std::vector<equivariant::Dense>& layers);
bool have_biases(const std::vector<equivariant::Dense>& layers);

/// Throws Error if the file is there already and `overwrite` is false, or it cannot be written.
void write_torch_file(const std::filesystem::path& path, const PickleValue& root, bool overwrite);

}  // namespace grapevine
