#include "importers/e3nn_modules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>

#include "importers/pickle_settings.hpp"
#include "importers/size.hpp"

namespace grapevine::e3nn {
namespace {

using equivariant::Activation;
using equivariant::ActivationKind;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using equivariant::RadialNetwork;

constexpr int max_layers = 64;

void check_class(const TorchModule& module, const char* name) {
  if (!module.class_name().starts_with("e3nn.") || !module.is(name))
    module.fail(fmt::format("a {} is not supported here; expected e3nn's {}", module.class_name().substr(0, 80), name));
}

void check_irreps(const TorchModule& module, const char* attribute, const Layout& expected) {
  const IrrepsList found = simplified(module.irreps(attribute));
  if (found != simplified(expected.irreps))
    module.fail(fmt::format("{} = {}; expected {}", attribute, equivariant::to_string(found),
                            equivariant::to_string(expected.irreps)));
}

void check_no_bias(TensorTable& tensors, const TorchModule& module) {
  const TorchTensor* bias = tensors.find(module.inner_name("bias"));
  if (bias && bias->count() > 0) module.fail("biases are not supported");
}

/// A dense layer of e3nn.nn.FullyConnectedNet.
Dense read_layer(TensorTable& tensors, const TorchModule& module) {
  check_class(module, "_Layer");
  for (const char* variance : {"var_in", "var_out"})
    if (module.real(variance) != 1)
      module.fail(fmt::format("{} = {} is not supported", variance, module.real(variance)));
  const std::string name = module.inner_name("weight");
  const std::vector<std::int64_t>& shape = tensors.tensor(name).shape;
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > 65536 || shape[1] > 65536)
    module.fail("weight is not a matrix");
  Dense dense{static_cast<int>(shape[0]), static_cast<int>(shape[1]), tensors.values(name), {}};
  for (double& weight : dense.weight) weight /= std::sqrt(static_cast<double>(dense.inputs));
  return dense;
}

const std::int64_t* whole(const PickleValue& value) { return std::get_if<std::int64_t>(&value); }

/// One of the instructions of a TensorProduct: (input, harmonic, output, mode, has weight, factor, shape).
const std::vector<PickleValue>* instruction_items(const PickleValue& value) {
  const PickleObject* object = pickle_object(value);
  const auto* items = object && object->arguments ? &object->arguments->items : pickle_items(value);
  if (!items || items->size() < 6) return nullptr;
  const std::string* mode = pickle_text((*items)[3]);
  const bool* weighted = std::get_if<bool>(&(*items)[4]);
  const bool understood = whole((*items)[0]) && whole((*items)[1]) && whole((*items)[2]) && mode && *mode == "uvu" &&
                          weighted && *weighted && pickle_number((*items)[5]);
  return understood ? items : nullptr;
}

bool is_place(std::int64_t place, const IrrepsList& list) {
  return place >= 0 && place < static_cast<std::int64_t>(list.size());
}

}  // namespace

EquivariantLinear read_linear(TensorTable& tensors, const TorchModule& module, const Layout& inputs,
                              const Layout& outputs) {
  check_class(module, "Linear");
  check_irreps(module, "irreps_in", inputs);
  check_irreps(module, "irreps_out", outputs);
  check_no_bias(tensors, module);
  const Linear map(inputs, outputs);
  return map.unpack(tensors.values(module.inner_name("weight"), map.weights()), {});
}

std::vector<EquivariantLinear> read_species_linear(TensorTable& tensors, const TorchModule& module,
                                                   const Layout& inputs, const Layout& outputs, int species) {
  check_class(module, "FullyConnectedTensorProduct");
  check_irreps(module, "irreps_in1", inputs);
  check_irreps(module, "irreps_in2", as_written({{species, 0, 1}}));
  check_irreps(module, "irreps_out", outputs);
  const SpeciesLinear map(inputs, outputs, species);
  const std::vector<double> weight = tensors.values(module.inner_name("weight"), map.weights());
  std::vector<EquivariantLinear> maps;
  for (int s = 0; s < species; ++s) maps.push_back(map.unpack(weight, s));
  return maps;
}

Activation read_activation(const TorchModule& module) {
  check_class(module, "normalize2mom");
  constexpr const char* known[] = {"silu", "tanh", "abs", "sigmoid", "relu"};
  const std::string name = function_name(module.value("f"));
  if (std::find(std::begin(known), std::end(known), name) == std::end(known))
    module.fail(fmt::format("the function {} is not supported; expected silu, tanh, abs, sigmoid or relu",
                            name.empty() ? "of an unknown kind" : "'" + name.substr(0, 40) + "'"));
  return {*equivariant::find_activation(name), module.logical("_is_id") ? 1 : module.real("cst")};
}

RadialNetwork read_network(TensorTable& tensors, const TorchModule& module) {
  check_class(module, "FullyConnectedNet");
  RadialNetwork network;
  const std::vector<TorchModule> layers = module.children();
  if (layers.empty() || layers.size() > size(max_layers)) module.fail("no layers, or too many");
  for (std::size_t n = 0; n < layers.size(); ++n) {
    if (layers[n].name() != module.inner_name(fmt::format("layer{}", n))) module.fail("its layers are not in order");
    network.layers.push_back(read_layer(tensors, layers[n]));
    const std::optional<TorchModule> act = layers[n].find_child("act");
    if (act.has_value() == (n + 1 == layers.size()))
      layers[n].fail("an activation after the last layer, or none before");
    if (!act) continue;
    const Activation activation = read_activation(*act);
    if (n > 0 && activation != network.activation) layers[n].fail("another activation than the layer before");
    network.activation = activation;
  }
  return network;
}

Products read_products(const TorchModule& module, const IrrepsList& inputs, const IrrepsList& harmonics) {
  check_class(module, "TensorProduct");
  check_irreps(module, "irreps_in1", as_written(inputs));
  check_irreps(module, "irreps_in2", as_written(harmonics));
  const IrrepsList outputs = module.irreps("irreps_out");
  const auto* instructions = pickle_items(module.value("instructions"));
  if (!instructions || instructions->size() != outputs.size()) module.fail("not one product for each of its outputs");
  Products products;
  for (std::size_t n = 0; n < outputs.size(); ++n) {
    const auto* items = instruction_items((*instructions)[n]);
    if (!items || !is_place(*whole((*items)[0]), inputs) || !is_place(*whole((*items)[1]), harmonics) ||
        *whole((*items)[2]) != static_cast<std::int64_t>(n))
      module.fail(fmt::format("product {} is of a kind that is not supported", n));
    const auto input = static_cast<int>(*whole((*items)[0]));
    const int edge_order = harmonics[static_cast<std::size_t>(*whole((*items)[1]))].order;
    if (outputs[n].channels != inputs[size(input)].channels) module.fail("channels of inputs and outputs differ");
    products.paths.push_back({input, edge_order, outputs[n].order, outputs[n].parity});
    products.factor.push_back(*pickle_number((*items)[5]) / std::sqrt(2.0 * outputs[n].order + 1));
  }
  return products;
}

}  // namespace grapevine::e3nn
