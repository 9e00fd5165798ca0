#include "models/equivariant/file_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace grapevine::equivariant {
namespace {

using nlohmann::json;

std::size_t place(int index) { return static_cast<std::size_t>(index); }

/// Calls function(input, output) for every pair of irreps that transform alike.
template <class Function>
void for_each_pair(const IrrepsList& inputs, const IrrepsList& outputs, const Function& function) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t o = 0; o < outputs.size(); ++o)
      if (inputs[i].transforms_like(outputs[o])) function(i, o);
}

}  // namespace

json activation_json(const Activation& activation) {
  return {{"function", activation_name(activation.kind)}, {"scale", activation.scale}};
}

json cutoff_function_json(const RadialBasis& basis) {
  if (basis.cutoff_kind == CutoffKind::xplor) return {{"kind", "xplor"}, {"onset", basis.cutoff_onset}};
  return {{"kind", "polynomial"}, {"power", basis.cutoff_power}};
}

json network_json(const std::vector<Dense>& layers, const Activation& activation) {
  json hidden = json::array();
  json bias = json::array();
  for (const Dense& dense : layers) {
    if (&dense != &layers.back()) hidden.push_back(dense.outputs);
    bias.push_back(!dense.bias.empty());
  }
  return {{"hidden", hidden}, {"bias", bias}, {"activation", activation_json(activation)}};
}

json paths_json(const std::vector<Path>& paths) {
  json list = json::array();
  for (const Path& path : paths)
    list.push_back({path.input, path.edge_order, fmt::format("{}{}", path.order, path.parity > 0 ? 'e' : 'o')});
  return list;
}

json zbl_json(const Zbl& zbl) {
  return {{"coulomb", zbl.coulomb},          {"length", zbl.length},
          {"exponent", zbl.exponent},        {"cutoff_power", zbl.cutoff_power},
          {"coefficients", zbl.coefficient}, {"decays", zbl.decay}};
}

PartReader::PartReader(const TensorFile& file)
    : where_(file.name() + ": hyperparameters"), keys_(file), budget_(file) {}

bool PartReader::has(const json& object, const char* key) const {
  return object.contains(key) && keys_.logical(object, key);
}

IrrepsList PartReader::irreps(const json& object, const char* key) const {
  const std::string& text = keys_.text(object, key);
  return text.empty() ? IrrepsList() : parse_irreps(text, fmt::format("{}: \"{}\"", where_, key));
}

Activation PartReader::activation(const json& object) const {
  keys_.check_keys(object, {"function", "scale"});
  const auto kind = find_activation(keys_.text(object, "function"));
  if (!kind) keys_.fail("function", "an activation", object.at("function"));
  return {*kind, keys_.number(object, "scale")};
}

void PartReader::read_cutoff_function(RadialBasis& basis, const json& object) const {
  if (!object.is_object() || !object.contains("kind")) keys_.check_keys(object, {"kind"});
  const std::string& kind = keys_.text(object, "kind");
  if (kind == "xplor") {
    keys_.check_keys(object, {"kind", "onset"});
    basis.cutoff_kind = CutoffKind::xplor;
    basis.cutoff_onset = keys_.number(object, "onset");
  } else if (kind == "polynomial") {
    keys_.check_keys(object, {"kind", "power"});
    basis.cutoff_kind = CutoffKind::polynomial;
    basis.cutoff_power = keys_.size(object, "power");
  } else {
    keys_.fail("kind", "polynomial or xplor", object.at("kind"));
  }
}

std::vector<Path> PartReader::paths(const json& object, const IrrepsList& input) const {
  std::vector<Path> paths;
  for (const json& item : keys_.list(object, "paths", max_paths)) {
    const bool well_formed = item.is_array() && item.size() == 3 && item[0].is_number_unsigned() &&
                             item[0] < input.size() && item[1].is_number_unsigned() && item[1] <= max_order &&
                             item[2].is_string();
    if (!well_formed) keys_.fail("paths", "a list of [input, order of the harmonics, irrep]", item);
    const IrrepsList out = parse_irreps(item[2].get<std::string>(), where_ + ": \"paths\"");
    if (out.size() != 1 || out[0].channels != 1) keys_.fail("paths", "a list with one irrep each", item);
    paths.push_back({item[0].get<int>(), item[1].get<int>(), out[0].order, out[0].parity});
  }
  return paths;
}

void PartReader::read_numbers(const json& object, const char* key, double (&to)[4]) const {
  const json& list = keys_.list(object, key);
  const bool numbers = std::all_of(list.begin(), list.end(), [](const json& item) { return item.is_number(); });
  if (list.size() != 4 || !numbers) keys_.fail(key, "a list of four numbers", list);
  std::copy(list.begin(), list.end(), to);
}

Zbl PartReader::zbl(const json& object) const {
  keys_.check_keys(object, {"coulomb", "length", "exponent", "cutoff_power", "coefficients", "decays"});
  Zbl zbl;
  zbl.coulomb = keys_.number(object, "coulomb");
  zbl.length = keys_.number(object, "length");
  zbl.exponent = keys_.number(object, "exponent");
  zbl.cutoff_power = keys_.size(object, "cutoff_power");
  read_numbers(object, "coefficients", zbl.coefficient);
  read_numbers(object, "decays", zbl.decay);
  return zbl;
}

std::vector<int> PartReader::widths(const json& network, int outputs) const {
  std::vector<int> widths;
  for (const json& width : keys_.list(network, "hidden", max_layers)) {
    if (!width.is_number_unsigned() || width > 65536) keys_.fail("hidden", "a list of whole numbers", width);
    widths.push_back(width.get<int>());
  }
  widths.push_back(outputs);
  return widths;
}

std::vector<Dense> PartReader::network(const json& object, const char* key, int inputs, int outputs, Activation& act) {
  const json& network = object.at(key);
  keys_.check_keys(network, {"hidden", "bias", "activation"});
  act = activation(network.at("activation"));
  const std::vector<int> wide = widths(network, outputs);
  const json& bias = keys_.list(network, "bias", max_layers + 1);
  if (bias.size() != wide.size()) keys_.fail("bias", "true or false for each layer", bias);
  std::vector<Dense> layers;
  for (std::size_t n = 0; n < wide.size(); ++n) {
    if (!bias[n].is_boolean()) keys_.fail("bias", "true or false for each layer", bias);
    layers.push_back({inputs, wide[n], {}, std::vector<double>(bias[n].get<bool>() ? 1 : 0)});
    inputs = wide[n];
  }
  budget_.spend(layers.size());
  return layers;
}

EquivariantLinear PartReader::linear(const IrrepsList& inputs, const IrrepsList& outputs, bool bias) {
  EquivariantLinear result{inputs, outputs, {}, {}};
  for_each_pair(inputs, outputs, [&](std::size_t i, std::size_t o) {
    budget_.spend(1);
    result.parts.push_back({static_cast<int>(i), static_cast<int>(o), {}});
  });
  if (bias) result.bias.resize(1);
  return result;
}

EquivariantLinear with_all_parts(const EquivariantLinear& linear, bool bias) {
  EquivariantLinear result{linear.inputs, linear.outputs, {}, linear.bias};
  for_each_pair(linear.inputs, linear.outputs, [&](std::size_t i, std::size_t o) {
    std::vector<double> weight(place(linear.inputs[i].channels) * place(linear.outputs[o].channels), 0.0);
    for (const EquivariantLinear::Part& part : linear.parts)
      if (place(part.input) == i && place(part.output) == o)
        for (std::size_t n = 0; n < weight.size(); ++n) weight[n] += part.weight[n];
    result.parts.push_back({static_cast<int>(i), static_cast<int>(o), std::move(weight)});
  });
  if (bias) result.bias.resize(place(even_scalars(linear.outputs)), 0.0);
  return result;
}

void PartTensors::add(std::string name, std::vector<std::int64_t> shape, std::vector<double>& values) {
  slots_.push_back({std::move(name), std::move(shape), &values});
}

void PartTensors::add_network(const std::string& name, std::vector<Dense>& layers) {
  for (std::size_t n = 0; n < layers.size(); ++n) {
    add(fmt::format("{}.{}.weight", name, n), {layers[n].inputs, layers[n].outputs}, layers[n].weight);
    if (!layers[n].bias.empty()) add(fmt::format("{}.{}.bias", name, n), {layers[n].outputs}, layers[n].bias);
  }
}

void PartTensors::add_linear(const std::string& name, EquivariantLinear& linear) {
  for (EquivariantLinear::Part& part : linear.parts)
    add(fmt::format("{}.{}.{}", name, part.input, part.output),
        {linear.inputs[place(part.input)].channels, linear.outputs[place(part.output)].channels}, part.weight);
  if (!linear.bias.empty()) add(name + ".bias", {even_scalars(linear.outputs)}, linear.bias);
}

}  // namespace grapevine::equivariant
