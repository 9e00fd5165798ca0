#include "importers/sevennet_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
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

/// Constants that a module stores beside its weights.
bool is_constant(const std::string& name, bool accelerated) {
  const std::size_t dot = std::min(name.find('.'), name.size());
  const std::string_view module = std::string_view(name).substr(0, dot);
  const std::string_view rest = std::string_view(name).substr(dot);
  if (rest == ".linear.output_mask" || rest == ".fc_tensor_product.output_mask") return true;
  if (module.ends_with("_equivariant_gate")) return rest == ".gate.mul.output_mask";
  if (accelerated && (rest.starts_with(".linear.f.tp.") || rest.starts_with(".fc_tensor_product.f.tp."))) return true;
  if (!module.ends_with("_convolution")) return false;
  return rest == ".convolution.output_mask" || (accelerated && rest.starts_with(".convolution."));
}

}  // namespace

SevenNetState::SevenNetState(const PickleDict& state_dict, std::string file, Allowance numbers)
    : file_(std::move(file)) {
  for (const auto& [key, value] : state_dict.items) {
    const std::string* name = pickle_text(key);
    const TorchTensor* tensor = pickle_tensor(value);
    if (!name || !tensor) throw Error(fmt::format("{}: model_state_dict holds something that is not a tensor", file_));
    numbers.spend(static_cast<std::uint64_t>(tensor->count()));
    const std::string modern = modern_name(*name);
    if (!tensors_.emplace(modern, tensor).second)
      throw Error(fmt::format("{}: the tensor {} is there twice", file_, modern.substr(0, 80)));
  }
}

const TorchTensor* SevenNetState::find(const std::string& name) {
  read_.insert(name);
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : found->second;
}

const TorchTensor& SevenNetState::tensor(const std::string& name) {
  const TorchTensor* found = find(name);
  if (!found) throw Error(fmt::format("{}: the tensor {} is missing", file_, name));
  return *found;
}

std::vector<double> SevenNetState::values(const std::string& name) {
  const TorchTensor& found = tensor(name);
  const DType dtype = found.storage.dtype;
  if (dtype != DType::f32 && dtype != DType::f64 && dtype != DType::f16 && dtype != DType::bf16)
    throw Error(fmt::format("{}: {} is not of floating point type", file_, name));
  return found.to_doubles();
}

std::vector<double> SevenNetState::values(const std::string& name, std::size_t count) {
  const auto found = static_cast<std::size_t>(tensor(name).count());
  if (found != count)
    throw Error(fmt::format("{}: {} has {} numbers; its configuration asks for {}", file_, name, found, count));
  return values(name);
}

void SevenNetState::check_all_read(bool accelerated) const {
  for (const auto& [name, tensor] : tensors_)
    if (read_.count(name) == 0 && tensor->count() > 0 && !is_constant(name, accelerated))
      throw Error(
          fmt::format("{}: the tensor {} does not belong to a model of this configuration", file_, name.substr(0, 80)));
}

}  // namespace grapevine
