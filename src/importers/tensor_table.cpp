#include "importers/tensor_table.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "support/error.hpp"

namespace grapevine {

void TensorTable::add(const std::string& name, const TorchTensor& tensor) {
  numbers_.spend(static_cast<std::uint64_t>(tensor.count()));
  if (!tensors_.emplace(name, tensor).second)
    throw Error(fmt::format("{}: the tensor {} is there twice", file_, name.substr(0, 80)));
}

const TorchTensor* TensorTable::find(const std::string& name) {
  read_.insert(name);
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const TorchTensor& TensorTable::tensor(const std::string& name) {
  const TorchTensor* found = find(name);
  if (!found) throw Error(fmt::format("{}: the tensor {} is missing", file_, name));
  return *found;
}

std::vector<double> TensorTable::values(const std::string& name) {
  const TorchTensor& found = tensor(name);
  const DType dtype = found.storage.dtype;
  if (dtype != DType::f32 && dtype != DType::f64 && dtype != DType::f16 && dtype != DType::bf16)
    throw Error(fmt::format("{}: {} is not of floating point type", file_, name));
  return found.to_doubles();
}

std::vector<double> TensorTable::values(const std::string& name, std::size_t count) {
  const auto found = static_cast<std::size_t>(tensor(name).count());
  if (found != count)
    throw Error(fmt::format("{}: {} has {} numbers; its configuration asks for {}", file_, name, found, count));
  return values(name);
}

void TensorTable::refuse(const std::string& name) const {
  throw Error(
      fmt::format("{}: the tensor {} does not belong to a model of this configuration", file_, name.substr(0, 80)));
}

}  // namespace grapevine
