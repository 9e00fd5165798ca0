#include "models/nequip/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "formats/model_files/hyperparameters.hpp"
#include "formats/model_files/tensor_slots.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine::nequip {
namespace {

using equivariant::CutoffKind;
using equivariant::find_activation;
using equivariant::max_order;
using equivariant::parse_irreps;
using nlohmann::json;

constexpr std::size_t max_paths = 1024;
constexpr std::size_t max_layers = 64;

std::size_t place(int index) { return static_cast<std::size_t>(index); }

// Structure to JSON

json activation_json(const Activation& activation) {
  return {{"function", activation_name(activation.kind)}, {"scale", activation.scale}};
}

json activations_json(const std::vector<Activation>& activations) {
  json list = json::array();
  for (const Activation& activation : activations) list.push_back(activation_json(activation));
  return list;
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

json cutoff_function_json(const RadialBasis& basis) {
  if (basis.cutoff_kind == CutoffKind::xplor) return {{"kind", "xplor"}, {"onset", basis.cutoff_onset}};
  return {{"kind", "polynomial"}, {"power", basis.cutoff_power}};
}

json zbl_json(const Zbl& zbl) {
  return {{"coulomb", zbl.coulomb},          {"length", zbl.length},
          {"exponent", zbl.exponent},        {"cutoff_power", zbl.cutoff_power},
          {"coefficients", zbl.coefficient}, {"decays", zbl.decay}};
}

json gate_json(const Gate& gate) {
  return {{"scalars", to_string(gate.scalars)},
          {"scalar_activations", activations_json(gate.scalar_activation)},
          {"gated", to_string(gate.gated)},
          {"gate_activations", activations_json(gate.gate_activation)},
          {"gate_parity", gate.gate_parity > 0 ? "even" : "odd"}};
}

json paths_json(const Interaction& x) {
  json paths = json::array();
  for (const Path& path : x.paths)
    paths.push_back({path.input, path.edge_order, fmt::format("{}{}", path.order, path.parity > 0 ? 'e' : 'o')});
  return paths;
}

constexpr std::pair<SelfConnectionKind, const char*> self_connection_names[] = {
    {SelfConnectionKind::none, "none"},
    {SelfConnectionKind::shared, "shared"},
    {SelfConnectionKind::per_species, "per_species"},
    {SelfConnectionKind::per_embedding, "per_embedding"}};

json self_connection_json(const Interaction& x) {
  const bool bias = !x.self_connection.empty() && !x.self_connection.front().bias.empty();
  for (const auto& [kind, name] : self_connection_names)
    if (kind == x.self_connection_kind) return {{"kind", name}, {"bias", bias}};
  return {};
}

json interaction_json(const Interaction& x) {
  json object = {{"input", to_string(x.input)},
                 {"mix_input_bias", !x.mix_input.bias.empty()},
                 {"paths", paths_json(x)},
                 {"radial", network_json(x.radial.layers, x.radial.activation)},
                 {"denominator", x.denominator},
                 {"mix_messages_bias", !x.mix_messages.bias.empty()},
                 {"self_connection", self_connection_json(x)},
                 {"gate", gate_json(x.gate)}};
  if (x.norm) object["norm"] = {{"epsilon", x.norm->epsilon}};
  return object;
}

// Keys of what only some models have are left out of the files of all others, which older programs can read.
json hyperparameters_of(const Parameters& p) {
  json interactions = json::array();
  for (const Interaction& x : p.interactions) interactions.push_back(interaction_json(x));
  json object = {{"cutoff", p.cutoff()},
                 {"cutoff_function", cutoff_function_json(p.basis)},
                 {"edge_order", p.edge_order},
                 {"odd_harmonics", p.odd_harmonics},
                 {"normalised_harmonics", p.normalised_harmonics},
                 {"basis", p.basis.frequency.size()},
                 {"basis_prefactor", p.basis.prefactor},
                 {"interactions", interactions},
                 {"readout", network_json(p.readout, p.readout_activation)}};
  if (!p.pair_cutoff.empty()) object["pair_cutoffs"] = true;
  if (!p.neighbour_scale.empty()) object["neighbour_scale"] = true;
  if (p.zbl) object["zbl"] = zbl_json(*p.zbl);
  return object;
}

// JSON to structure

/// Calls function(input, output) for every pair of irreps that transform alike.
template <class Function>
void for_each_pair(const IrrepsList& inputs, const IrrepsList& outputs, const Function& function) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t o = 0; o < outputs.size(); ++o)
      if (inputs[i].transforms_like(outputs[o])) function(i, o);
}

/// Makes a potential without numbers from the hyperparameters. A bias that is to be read has one number until then.
class StructureReader {
 public:
  StructureReader(const TensorFile& file, const std::vector<std::string>& species)
      : where_(file.name() + ": hyperparameters"), h_(file), budget_(file), species_(species) {}

  Parameters read() {
    const json& object = h_.object();
    h_.check_keys(object,
                  {"cutoff", "cutoff_function", "edge_order", "odd_harmonics", "normalised_harmonics", "basis",
                   "basis_prefactor", "interactions", "readout"},
                  {"pair_cutoffs", "neighbour_scale", "zbl"});
    Parameters p;
    p.species = species_;
    p.basis.cutoff = h_.number(object, "cutoff");
    read_cutoff_function(p.basis, object.at("cutoff_function"));
    p.edge_order = h_.size(object, "edge_order");
    p.odd_harmonics = h_.logical(object, "odd_harmonics");
    p.normalised_harmonics = h_.logical(object, "normalised_harmonics");
    p.basis.frequency.resize(place(h_.size(object, "basis")));
    p.basis.prefactor = h_.number(object, "basis_prefactor");
    // One number stands for tensors that are still to be read.
    if (has(object, "pair_cutoffs")) p.pair_cutoff.resize(1);
    if (has(object, "neighbour_scale")) p.neighbour_scale.resize(1);
    if (object.contains("zbl")) p.zbl = read_zbl(object.at("zbl"));
    for (const json& interaction : h_.list(object, "interactions", max_layers))
      p.interactions.push_back(read_interaction(interaction, p.basis.functions()));
    if (p.interactions.empty()) h_.fail("interactions", "a list of at least one interaction", json::array());
    const int scalars = even_scalars(p.interactions.back().gate.outputs());
    p.readout = read_network(object, "readout", scalars, 1, p.readout_activation);
    return p;
  }

 private:
  bool has(const json& object, const char* key) const { return object.contains(key) && h_.logical(object, key); }

  void read_cutoff_function(RadialBasis& basis, const json& object) const {
    if (!object.is_object() || !object.contains("kind")) h_.check_keys(object, {"kind"});
    const std::string& kind = h_.text(object, "kind");
    if (kind == "xplor") {
      h_.check_keys(object, {"kind", "onset"});
      basis.cutoff_kind = CutoffKind::xplor;
      basis.cutoff_onset = h_.number(object, "onset");
    } else if (kind == "polynomial") {
      h_.check_keys(object, {"kind", "power"});
      basis.cutoff_kind = CutoffKind::polynomial;
      basis.cutoff_power = h_.size(object, "power");
    } else {
      h_.fail("kind", "polynomial or xplor", object.at("kind"));
    }
  }

  void read_numbers(const json& object, const char* key, double (&to)[4]) const {
    const json& list = h_.list(object, key);
    const bool numbers = std::all_of(list.begin(), list.end(), [](const json& item) { return item.is_number(); });
    if (list.size() != 4 || !numbers) h_.fail(key, "a list of four numbers", list);
    std::copy(list.begin(), list.end(), to);
  }

  Zbl read_zbl(const json& object) const {
    h_.check_keys(object, {"coulomb", "length", "exponent", "cutoff_power", "coefficients", "decays"});
    Zbl zbl;
    zbl.coulomb = h_.number(object, "coulomb");
    zbl.length = h_.number(object, "length");
    zbl.exponent = h_.number(object, "exponent");
    zbl.cutoff_power = h_.size(object, "cutoff_power");
    read_numbers(object, "coefficients", zbl.coefficient);
    read_numbers(object, "decays", zbl.decay);
    return zbl;
  }

  IrrepsList irreps(const json& object, const char* key) const {
    const std::string& text = h_.text(object, key);
    return text.empty() ? IrrepsList() : parse_irreps(text, fmt::format("{}: \"{}\"", where_, key));
  }

  Activation activation(const json& object) const {
    h_.check_keys(object, {"function", "scale"});
    const auto kind = find_activation(h_.text(object, "function"));
    if (!kind) h_.fail("function", "an activation", object.at("function"));
    return {*kind, h_.number(object, "scale")};
  }
  std::vector<Activation> activations(const json& object, const char* key) const {
    std::vector<Activation> list;
    for (const json& item : h_.list(object, key)) list.push_back(activation(item));
    return list;
  }

  std::vector<Dense> read_network(const json& parent, const char* key, int inputs, int outputs, Activation& act) {
    const json& object = parent.at(key);
    h_.check_keys(object, {"hidden", "bias", "activation"});
    act = activation(object.at("activation"));
    std::vector<int> widths;
    for (const json& width : h_.list(object, "hidden", max_layers)) {
      if (!width.is_number_unsigned() || width > 65536) h_.fail("hidden", "a list of whole numbers", width);
      widths.push_back(width.get<int>());
    }
    widths.push_back(outputs);
    const json& bias = h_.list(object, "bias", max_layers + 1);
    if (bias.size() != widths.size()) h_.fail("bias", "true or false for each layer", bias);
    std::vector<Dense> layers;
    for (std::size_t n = 0; n < widths.size(); ++n) {
      if (!bias[n].is_boolean()) h_.fail("bias", "true or false for each layer", bias);
      layers.push_back({inputs, widths[n], {}, std::vector<double>(bias[n].get<bool>() ? 1 : 0)});
      inputs = widths[n];
    }
    budget_.spend(layers.size());
    return layers;
  }

  EquivariantLinear linear(const IrrepsList& inputs, const IrrepsList& outputs, bool bias) {
    EquivariantLinear result{inputs, outputs, {}, {}};
    for_each_pair(inputs, outputs, [&](std::size_t i, std::size_t o) {
      budget_.spend(1);
      result.parts.push_back({static_cast<int>(i), static_cast<int>(o), {}});
    });
    if (bias) result.bias.resize(1);
    return result;
  }

  std::vector<Path> read_paths(const json& object, const IrrepsList& input) const {
    std::vector<Path> paths;
    for (const json& item : h_.list(object, "paths", max_paths)) {
      const bool well_formed = item.is_array() && item.size() == 3 && item[0].is_number_unsigned() &&
                               item[0] < input.size() && item[1].is_number_unsigned() && item[1] <= max_order &&
                               item[2].is_string();
      if (!well_formed) h_.fail("paths", "a list of [input, order of the harmonics, irrep]", item);
      const IrrepsList out = parse_irreps(item[2].get<std::string>(), where_ + ": \"paths\"");
      if (out.size() != 1 || out[0].channels != 1) h_.fail("paths", "a list with one irrep each", item);
      paths.push_back({item[0].get<int>(), item[1].get<int>(), out[0].order, out[0].parity});
    }
    return paths;
  }

  Gate read_gate(const json& object) const {
    h_.check_keys(object, {"scalars", "scalar_activations", "gated", "gate_activations", "gate_parity"});
    Gate gate;
    gate.scalars = irreps(object, "scalars");
    gate.scalar_activation = activations(object, "scalar_activations");
    gate.gated = irreps(object, "gated");
    gate.gate_activation = activations(object, "gate_activations");
    const std::string& parity = h_.text(object, "gate_parity");
    if (parity != "even" && parity != "odd") h_.fail("gate_parity", "even or odd", object.at("gate_parity"));
    gate.gate_parity = parity == "even" ? 1 : -1;
    return gate;
  }

  void read_self_connection(Interaction& x, const json& object) {
    h_.check_keys(object, {"kind", "bias"});
    const std::string& kind = h_.text(object, "kind");
    const auto entry = std::find_if(std::begin(self_connection_names), std::end(self_connection_names),
                                    [&](const auto& known) { return kind == known.second; });
    if (entry == std::end(self_connection_names))
      h_.fail("kind", "none, shared, per_species or per_embedding", object.at("kind"));
    x.self_connection_kind = entry->first;
    for (std::size_t n = 0; n < self_connections(x); ++n)
      x.self_connection.push_back(linear(x.input, x.gate.inputs(), h_.logical(object, "bias")));
  }

  std::size_t self_connections(const Interaction& x) const {
    switch (x.self_connection_kind) {
      case SelfConnectionKind::none: return 0;
      case SelfConnectionKind::shared: return 1;
      case SelfConnectionKind::per_species: return species_.size();
      case SelfConnectionKind::per_embedding: return embedding_;
    }
    return 0;
  }

  Interaction read_interaction(const json& object, int basis) {
    h_.check_keys(
        object,
        {"input", "mix_input_bias", "paths", "radial", "denominator", "mix_messages_bias", "self_connection", "gate"},
        {"norm"});
    Interaction x;
    x.input = irreps(object, "input");
    if (embedding_ == 0) embedding_ = place(channels(x.input));
    x.mix_input = linear(x.input, x.input, h_.logical(object, "mix_input_bias"));
    x.paths = read_paths(object, x.input);
    x.denominator = h_.number(object, "denominator");
    x.gate = read_gate(object.at("gate"));
    x.mix_messages = linear(x.messages(), x.gate.inputs(), h_.logical(object, "mix_messages_bias"));
    x.radial.layers = read_network(object, "radial", basis, channels(x.messages()), x.radial.activation);
    read_self_connection(x, object.at("self_connection"));
    if (object.contains("norm")) {
      h_.check_keys(object.at("norm"), {"epsilon"});
      x.norm = RmsNorm{{}, {}, h_.number(object.at("norm"), "epsilon")};
    }
    return x;
  }

  std::string where_;
  Hyperparameters h_;
  TensorBudget budget_;
  std::vector<std::string> species_;
  std::size_t embedding_ = 0;  // channels of what enters the first interaction
};

// Tensors

/// Lists every tensor of a potential whose structure is set: the one place that knows names and shapes.
class TensorList {
 public:
  explicit TensorList(Parameters& p) {
    const auto species = static_cast<std::int64_t>(p.species.size());
    add("radial.frequency", {static_cast<std::int64_t>(p.basis.frequency.size())}, p.basis.frequency);
    if (!p.pair_cutoff.empty()) add("pair_cutoff", {species, species}, p.pair_cutoff);
    if (!p.neighbour_scale.empty()) add("neighbour_scale", {species}, p.neighbour_scale);
    if (p.zbl) add("zbl.charge", {species}, p.zbl->charge);
    add("embedding", {species, channels(p.interactions.front().input)}, p.embedding);
    for (std::size_t t = 0; t < p.interactions.size(); ++t)
      add_interaction(fmt::format("interaction.{}.", t), p.interactions[t], p.species);
    add_network("readout", p.readout);
    add("energy.scale", {species}, p.energy_scale);
    add("energy.shift", {species}, p.energy_shift);
  }

  const std::vector<TensorSlot>& slots() const { return slots_; }

 private:
  void add(std::string name, std::vector<std::int64_t> shape, std::vector<double>& values) {
    slots_.push_back({std::move(name), std::move(shape), &values});
  }
  void add_network(const std::string& name, std::vector<Dense>& layers) {
    for (std::size_t n = 0; n < layers.size(); ++n) {
      add(fmt::format("{}.{}.weight", name, n), {layers[n].inputs, layers[n].outputs}, layers[n].weight);
      if (!layers[n].bias.empty()) add(fmt::format("{}.{}.bias", name, n), {layers[n].outputs}, layers[n].bias);
    }
  }
  void add_linear(const std::string& name, EquivariantLinear& linear) {
    for (EquivariantLinear::Part& part : linear.parts)
      add(fmt::format("{}.{}.{}", name, part.input, part.output),
          {linear.inputs[place(part.input)].channels, linear.outputs[place(part.output)].channels}, part.weight);
    if (!linear.bias.empty()) add(name + ".bias", {even_scalars(linear.outputs)}, linear.bias);
  }
  void add_interaction(const std::string& name, Interaction& x, const std::vector<std::string>& species) {
    add_linear(name + "mix_input", x.mix_input);
    add_network(name + "radial", x.radial.layers);
    add_linear(name + "mix_messages", x.mix_messages);
    for (std::size_t n = 0; n < x.self_connection.size(); ++n)
      add_linear(name + "self_connection" + self_connection_suffix(x, n, species), x.self_connection[n]);
    if (!x.norm) return;
    const IrrepsList normalised = x.gate.inputs();
    add(name + "norm.share", {static_cast<std::int64_t>(normalised.size())}, x.norm->share);
    add(name + "norm.weight", {channels(normalised)}, x.norm->weight);
  }

  static std::string self_connection_suffix(const Interaction& x, std::size_t n,
                                            const std::vector<std::string>& species) {
    if (x.self_connection_kind == SelfConnectionKind::per_species && species.size() > 1) return "." + species[n];
    if (x.self_connection_kind == SelfConnectionKind::per_embedding) return fmt::format(".{}", n);
    return "";
  }

  std::vector<TensorSlot> slots_;
};

/// The same map with one part for each pair of irreps that transform alike, in the order of the file.
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

Parameters with_all_parts(Parameters p) {
  for (Interaction& x : p.interactions) {
    x.mix_input = with_all_parts(x.mix_input, false);
    x.mix_messages = with_all_parts(x.mix_messages, false);
    const bool bias = std::any_of(x.self_connection.begin(), x.self_connection.end(),
                                  [](const EquivariantLinear& linear) { return !linear.bias.empty(); });
    for (EquivariantLinear& linear : x.self_connection) linear = with_all_parts(linear, bias);
  }
  return p;
}

}  // namespace

Parameters read_parameters(const TensorFile& file) {
  const ModelDescription description = read_description(file);
  if (description.architecture != architecture)
    throw Error(fmt::format("{}: architecture \"{}\" is not NequIP", file.name(), description.architecture));
  Parameters parameters = StructureReader(file, description.species).read();
  read_tensors(file, TensorList(parameters).slots());
  with_context(file.name(), [&] { check(parameters); });
  return parameters;
}

FileContents file_contents(const Parameters& parameters, const Provenance& provenance) {
  check(parameters);
  FileContents contents;
  contents.metadata = description_metadata({architecture, parameters.species, provenance});
  Parameters copy = with_all_parts(parameters);
  contents.metadata["hyperparameters"] = hyperparameters_of(copy).dump();
  contents.tensors = take_tensors(TensorList(copy).slots());
  return contents;
}

}  // namespace grapevine::nequip
