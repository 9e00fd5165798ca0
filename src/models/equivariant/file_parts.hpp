#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "formats/model_files/hyperparameters.hpp"
#include "formats/model_files/safetensors.hpp"
#include "formats/model_files/tensor_slots.hpp"
#include "models/equivariant/activation.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/path.hpp"
#include "models/equivariant/radial_basis.hpp"
#include "models/equivariant/zbl.hpp"

/// What model files of all equivariant architectures have in common (docs/model-file.md).
namespace grapevine::equivariant {

inline constexpr std::size_t max_layers = 64;  ///< interactions, or layers of a network

nlohmann::json activation_json(const Activation& activation);
nlohmann::json cutoff_function_json(const RadialBasis& basis);
nlohmann::json network_json(const std::vector<Dense>& layers, const Activation& activation);
nlohmann::json paths_json(const std::vector<Path>& paths);
nlohmann::json zbl_json(const Zbl& zbl);

/// Makes parts of a potential without numbers from hyperparameters. A bias that is to be read has one number until
/// then. Throws Error naming file and key.
class PartReader {
 public:
  explicit PartReader(const TensorFile& file);

  const Hyperparameters& keys() const { return keys_; }
  /// Every tensor described is to be counted.
  TensorBudget& budget() { return budget_; }

  /// Whether a key that may be left out is there and true.
  bool has(const nlohmann::json& object, const char* key) const;
  /// May be empty.
  IrrepsList irreps(const nlohmann::json& object, const char* key) const;
  Activation activation(const nlohmann::json& object) const;
  void read_cutoff_function(RadialBasis& basis, const nlohmann::json& object) const;
  std::vector<Path> paths(const nlohmann::json& object, const IrrepsList& input) const;
  Zbl zbl(const nlohmann::json& object) const;
  /// The network called `key` of an object.
  std::vector<Dense> network(const nlohmann::json& object, const char* key, int inputs, int outputs, Activation& act);
  /// With a part for every pair of irreps that transform alike.
  EquivariantLinear linear(const IrrepsList& inputs, const IrrepsList& outputs, bool bias);

 private:
  void read_numbers(const nlohmann::json& object, const char* key, double (&to)[4]) const;
  std::vector<int> widths(const nlohmann::json& network, int outputs) const;

  std::string where_;
  Hyperparameters keys_;
  TensorBudget budget_;
};

/// The same map with a part for every pair of irreps that transform alike, in the order of the file: those that are not
/// there are zeros.
EquivariantLinear with_all_parts(const EquivariantLinear& linear, bool bias);

/// The tensors of a potential, one after another.
class PartTensors {
 public:
  void add(std::string name, std::vector<std::int64_t> shape, std::vector<double>& values);
  void add_network(const std::string& name, std::vector<Dense>& layers);
  void add_linear(const std::string& name, EquivariantLinear& linear);

  const std::vector<TensorSlot>& slots() const { return slots_; }

 private:
  std::vector<TensorSlot> slots_;
};

}  // namespace grapevine::equivariant
