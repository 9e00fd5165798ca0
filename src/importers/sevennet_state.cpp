#include "importers/sevennet_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "support/error.hpp"

namespace grapevine {
namespace {

/// Versions before 0.10 have other names of modules, some with spaces.
std::string modern_name(const std::string& name) {
  const std::size_t dot = std::min(name.find('.'), name.size());
  std::string module = name.substr(0, dot);
  std::string rest = name.substr(dot);
  std::replace(module.begin(), module.end(), ' ', '_');
  for (const auto& [old, modern] : {std::pair("EdgeEmbedding", "edge_embedding"),
                                    {"reducing_nn_input_to_hidden", "reduce_input_to_hidden"},
                                    {"reducing_nn_hidden_to_energy", "reduce_hidden_to_energy"}})
    if (module == old) module = modern;
  if (rest == ".denumerator") rest = ".denominator";
  return module + rest;
}

}  // namespace

bool is_sevennet_constant(const std::string& name, bool accelerated) {
  const std::size_t dot = std::min(name.find('.'), name.size());
  const std::string_view module = std::string_view(name).substr(0, dot);
  const std::string_view rest = std::string_view(name).substr(dot);
  if (rest == ".linear.output_mask" || rest == ".fc_tensor_product.output_mask") return true;
  if (module.ends_with("_equivariant_gate")) return rest == ".gate.mul.output_mask";
  if (accelerated && (rest.starts_with(".linear.f.tp.") || rest.starts_with(".fc_tensor_product.f.tp."))) return true;
  if (!module.ends_with("_convolution")) return false;
  return rest == ".convolution.output_mask" || (accelerated && rest.starts_with(".convolution."));
}

TensorTable read_sevennet_state(const PickleDict& state_dict, const std::string& file, Allowance numbers) {
  TensorTable table(file, std::move(numbers));
  for (const auto& [key, value] : state_dict.items) {
    const std::string* name = pickle_text(key);
    const TorchTensor* tensor = pickle_tensor(value);
    if (!name || !tensor) throw Error(fmt::format("{}: model_state_dict holds something that is not a tensor", file));
    table.add(modern_name(*name), *tensor);
  }
  return table;
}

}  // namespace grapevine
