#include "models/nequip/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "formats/model_files/hyperparameters.hpp"
#include "formats/model_files/tensor_slots.hpp"
#include "models/equivariant/file_parts.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine::nequip {
namespace {

using equivariant::PartReader;
using equivariant::PartTensors;
using nlohmann::json;

std::size_t place(int index) { return static_cast<std::size_t>(index); }

// Structure to JSON

json activations_json(const std::vector<Activation>& activations) {
  json list = json::array();
  for (const Activation& activation : activations) list.push_back(activation_json(activation));
  return list;
}

json gate_json(const Gate& gate) {
  return {{"scalars", to_string(gate.scalars)},
          {"scalar_activations", activations_json(gate.scalar_activation)},
          {"gated", to_string(gate.gated)},
          {"gate_activations", activations_json(gate.gate_activation)},
          {"gate_parity", gate.gate_parity > 0 ? "even" : "odd"}};
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
                 {"paths", paths_json(x.paths)},
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

/// Makes a potential without numbers from the hyperparameters.
class StructureReader {
 public:
  StructureReader(const TensorFile& file, const std::vector<std::string>& species)
      : parts_(file), h_(parts_.keys()), species_(species) {}

  Parameters read() {
    const json& object = h_.object();
    h_.check_keys(object,
                  {"cutoff", "cutoff_function", "edge_order", "odd_harmonics", "normalised_harmonics", "basis",
                   "basis_prefactor", "interactions", "readout"},
                  {"pair_cutoffs", "neighbour_scale", "zbl"});
    Parameters p;
    p.species = species_;
    p.basis.cutoff = h_.number(object, "cutoff");
    parts_.read_cutoff_function(p.basis, object.at("cutoff_function"));
    p.edge_order = h_.size(object, "edge_order");
    p.odd_harmonics = h_.logical(object, "odd_harmonics");
    p.normalised_harmonics = h_.logical(object, "normalised_harmonics");
    p.basis.frequency.resize(place(h_.size(object, "basis")));
    p.basis.prefactor = h_.number(object, "basis_prefactor");
    // One number stands for tensors that are still to be read.
    if (parts_.has(object, "pair_cutoffs")) p.pair_cutoff.resize(1);
    if (parts_.has(object, "neighbour_scale")) p.neighbour_scale.resize(1);
    if (object.contains("zbl")) p.zbl = parts_.zbl(object.at("zbl"));
    for (const json& interaction : h_.list(object, "interactions", equivariant::max_layers))
      p.interactions.push_back(read_interaction(interaction, p.basis.functions()));
    if (p.interactions.empty()) h_.fail("interactions", "a list of at least one interaction", json::array());
    const int scalars = even_scalars(p.interactions.back().gate.outputs());
    p.readout = parts_.network(object, "readout", scalars, 1, p.readout_activation);
    return p;
  }

 private:
  std::vector<Activation> activations(const json& object, const char* key) const {
    std::vector<Activation> list;
    for (const json& item : h_.list(object, key)) list.push_back(parts_.activation(item));
    return list;
  }

  Gate read_gate(const json& object) const {
    h_.check_keys(object, {"scalars", "scalar_activations", "gated", "gate_activations", "gate_parity"});
    Gate gate;
    gate.scalars = parts_.irreps(object, "scalars");
    gate.scalar_activation = activations(object, "scalar_activations");
    gate.gated = parts_.irreps(object, "gated");
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
      x.self_connection.push_back(parts_.linear(x.input, x.gate.inputs(), h_.logical(object, "bias")));
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
    x.input = parts_.irreps(object, "input");
    if (embedding_ == 0) embedding_ = place(channels(x.input));
    x.mix_input = parts_.linear(x.input, x.input, h_.logical(object, "mix_input_bias"));
    x.paths = parts_.paths(object, x.input);
    x.denominator = h_.number(object, "denominator");
    x.gate = read_gate(object.at("gate"));
    x.mix_messages = parts_.linear(x.messages(), x.gate.inputs(), h_.logical(object, "mix_messages_bias"));
    x.radial.layers = parts_.network(object, "radial", basis, channels(x.messages()), x.radial.activation);
    read_self_connection(x, object.at("self_connection"));
    if (object.contains("norm")) {
      h_.check_keys(object.at("norm"), {"epsilon"});
      x.norm = RmsNorm{{}, {}, h_.number(object.at("norm"), "epsilon")};
    }
    return x;
  }

  PartReader parts_;
  const Hyperparameters& h_;
  std::vector<std::string> species_;
  std::size_t embedding_ = 0;  // channels of what enters the first interaction
};

// Tensors

/// Lists every tensor of a potential whose structure is set: the one place that knows names and shapes.
class TensorList : public PartTensors {
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

 private:
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
};

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
