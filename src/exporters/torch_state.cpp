#include "exporters/torch_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "formats/archives/torch_writer.hpp"
#include "importers/e3nn.hpp"
#include "support/atomic_file.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

template <class T, class Make>
PickleValue pickle_list_of(const std::vector<T>& items, const Make& make) {
  std::vector<PickleValue> values;
  for (const T& item : items) values.emplace_back(make(item));
  return make_pickle_list(values);
}

}  // namespace

void TorchState::add(std::string name, std::vector<std::int64_t> shape, std::vector<double> values) {
  entries_.push_back({std::move(name), std::move(shape), std::move(values)});
}

void TorchState::add(std::string name, std::vector<double> values) {
  const auto count = static_cast<std::int64_t>(values.size());
  add(std::move(name), {count}, std::move(values));
}

void TorchState::add_number(std::string name, double value) { add(std::move(name), {}, {value}); }

void TorchState::add_whole(std::string name, std::int64_t value) {
  entries_.push_back({std::move(name), {}, {static_cast<double>(value)}, true});
}

void TorchState::add_wholes(std::string name, const std::vector<double>& values) {
  entries_.push_back({std::move(name), {static_cast<std::int64_t>(values.size())}, values, true});
}

PickleValue TorchState::dict(DType dtype) const {
  std::vector<std::pair<std::string, PickleValue>> tensors;
  for (const Entry& entry : entries_)
    tensors.emplace_back(entry.name, make_torch_tensor(entry.integers ? DType::i64 : dtype, entry.shape, entry.values));
  return make_pickle_dict(tensors);
}

PickleValue make_pickle_texts(const std::vector<std::string>& items) {
  return pickle_list_of(items, [](const std::string& item) { return make_pickle_text(item); });
}

PickleValue make_pickle_integers(const std::vector<int>& items) {
  return pickle_list_of(items, [](int item) { return PickleValue(std::int64_t{item}); });
}

PickleValue make_pickle_reals(const std::vector<double>& items) {
  return pickle_list_of(items, [](double item) { return PickleValue(item); });
}

std::vector<equivariant::Dense> e3nn_layers(const std::vector<equivariant::Dense>& layers,
                                            const equivariant::Activation& activation) {
  std::vector<equivariant::Dense> result = layers;
  for (std::size_t n = 0; n < result.size(); ++n) {
    double scale = std::sqrt(static_cast<double>(result[n].inputs));
    if (n > 0) scale *= activation.scale / e3nn::normalised_activation(activation.kind).scale;
    for (double& weight : result[n].weight) weight *= scale;
  }
  return result;
}

void add_e3nn_network(TorchState& state, const std::string& name, const std::vector<equivariant::Dense>& layers,
                      const equivariant::Activation& activation) {
  const std::vector<equivariant::Dense> stored = e3nn_layers(layers, activation);
  for (std::size_t n = 0; n < stored.size(); ++n)
    state.add(fmt::format("{}.layer{}.weight", name, n), {stored[n].inputs, stored[n].outputs}, stored[n].weight);
}

std::vector<int> widths_between(const std::vector<equivariant::Dense>& layers) {
  std::vector<int> widths;
  for (std::size_t n = 0; n + 1 < layers.size(); ++n) widths.push_back(layers[n].outputs);
  return widths;
}

bool have_biases(const std::vector<equivariant::Dense>& layers) {
  return std::any_of(layers.begin(), layers.end(), [](const auto& layer) { return !layer.bias.empty(); });
}

void write_torch_file(const std::filesystem::path& path, const PickleValue& root, bool overwrite) {
  std::error_code problem;
  if (!overwrite && std::filesystem::exists(path, problem))
    throw Error(fmt::format("{} is there already; choose another name, or add --overwrite", path.string()));
  AtomicFile file(path);
  file.write(make_torch_archive(root, path.stem().string()));
  file.commit();
}

}  // namespace grapevine
