#include "formats/archives/torch_writer.hpp"

#include <fmt/format.h>

#include <cstring>
#include <stdexcept>

#include "formats/archives/pickle_writer.hpp"
#include "formats/archives/zip_writer.hpp"

namespace grapevine {
namespace {

template <class Container>
PickleValue make_container(const std::vector<PickleValue>& items) {
  auto container = std::make_shared<Container>();
  container->items.assign(items.begin(), items.end());
  return container;
}

template <class T>
std::vector<std::byte> bytes_of(const std::vector<double>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof value);
  }
  return bytes;
}

std::vector<std::byte> bytes_of(DType dtype, const std::vector<double>& values) {
  switch (dtype) {
    case DType::f32: return bytes_of<float>(values);
    case DType::f64: return bytes_of<double>(values);
    case DType::i64: return bytes_of<std::int64_t>(values);
    default: throw std::invalid_argument("make_torch_tensor: only f32, f64 and i64 are written");
  }
}

std::vector<std::int64_t> row_major_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

std::vector<std::byte> as_bytes(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

}  // namespace

PickleValue make_pickle_text(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

PickleValue make_pickle_list(const std::vector<PickleValue>& items) { return make_container<PickleList>(items); }

PickleValue make_pickle_tuple(const std::vector<PickleValue>& items) { return make_container<PickleTuple>(items); }

PickleValue make_pickle_dict(const std::vector<std::pair<std::string, PickleValue>>& items) {
  auto dict = std::make_shared<PickleDict>();
  for (const auto& [key, value] : items) dict->items.emplace_back(make_pickle_text(key), value);
  return dict;
}

PickleValue make_torch_tensor(DType dtype, std::vector<std::int64_t> shape, const std::vector<double>& values) {
  TorchTensor tensor;
  tensor.shape = std::move(shape);
  tensor.strides = row_major_strides(tensor.shape);
  if (tensor.count() != static_cast<std::int64_t>(values.size()))
    throw std::invalid_argument("make_torch_tensor: shape and values do not fit");
  tensor.storage = {dtype, tensor.count(), std::make_shared<const std::vector<std::byte>>(bytes_of(dtype, values))};
  return std::make_shared<const TorchTensor>(std::move(tensor));
}

std::vector<std::byte> make_torch_archive(const PickleValue& root, std::string_view folder) {
  std::vector<ZipEntry> storages;
  const StorageKeeper keep = [&](const TorchStorage& storage) {
    std::string key = std::to_string(storages.size());
    storages.push_back({fmt::format("{}/data/{}", folder, key), *storage.bytes});
    return key;
  };
  std::vector<ZipEntry> entries{{fmt::format("{}/data.pkl", folder), write_pickle(root, keep)},
                                {fmt::format("{}/byteorder", folder), as_bytes("little")}};
  entries.insert(entries.end(), std::make_move_iterator(storages.begin()), std::make_move_iterator(storages.end()));
  entries.push_back({fmt::format("{}/version", folder), as_bytes("3\n")});
  return make_zip_archive(entries);
}

}  // namespace grapevine
