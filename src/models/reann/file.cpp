#include "models/reann/file.hpp"

#include <fmt/format.h>

#include "formats/model_files/hyperparameters.hpp"
#include "formats/model_files/tensor_slots.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine::reann {
namespace {

using nlohmann::json;

constexpr std::size_t max_steps = 64;

struct ActivationName {
  ActivationKind kind;
  const char* name;
};
constexpr ActivationName activation_names[] = {{ActivationKind::relu_like, "relu_like"},
                                               {ActivationKind::tanh_like, "tanh_like"}};

json activation_name(ActivationKind kind) {
  for (const ActivationName& entry : activation_names)
    if (entry.kind == kind) return entry.name;
  return nullptr;
}

/// The structure of a network without its numbers, as the hyperparameters say it.
json structure_of(const Network& network) {
  json blocks = json::array();
  for (const ResidualBlock& block : network.blocks) {
    json steps = json::array();
    for (const ResidualStep& step : block)
      steps.push_back({{"activation", activation_name(step.activation.kind)},
                       {"layer_norm", step.norm.has_value()},
                       {"outputs", step.linear.outputs}});
    blocks.push_back(steps);
  }
  return {
      {"width", network.input.outputs}, {"blocks", blocks}, {"activation", activation_name(network.activation.kind)}};
}

json common_structure(const std::vector<Network>& networks, const std::string& name) {
  json structure = structure_of(networks.front());
  for (const Network& network : networks)
    if (structure_of(network) != structure)
      throw Error(
          fmt::format("the {} networks differ in structure between species; such a model cannot be written", name));
  return structure;
}

json hyperparameters_of(const Parameters& p) {
  json message = json::array();
  for (const std::vector<Network>& networks : p.message) message.push_back(common_structure(networks, "message"));
  return {{"cutoff", p.cutoff},
          {"waves", p.waves},
          {"max_order", p.max_order},
          {"orbitals", p.orbitals},
          {"layers", p.layers},
          {"message", message},
          {"readout", common_structure(p.readout, "readout")}};
}

ActivationKind activation(const Hyperparameters& hyperparameters, const json& object) {
  for (const ActivationName& entry : activation_names)
    if (object.at("activation") == entry.name) return entry.kind;
  hyperparameters.fail("activation", "relu_like or tanh_like", object.at("activation"));
}

/// Lists every tensor of a model whose sizes and structure are set: the one place that knows names and shapes.
class TensorList {
 public:
  explicit TensorList(Parameters& p) {
    const std::int64_t species = static_cast<std::int64_t>(p.species.size());
    add("radial.exponent", {species, p.waves}, p.radial_exponent);
    add("radial.centre", {species, p.waves}, p.radial_centre);
    add("coefficients.initial", {species, p.waves}, p.initial_coefficient);
    add("orbitals.mixing", {p.layers + 1, p.max_order + 1, p.waves, p.orbitals}, p.mixing);
    for (std::size_t t = 0; t < p.message.size(); ++t)
      for (std::size_t s = 0; s < p.species.size(); ++s)
        add_network(fmt::format("message.{}.{}", t, p.species[s]), p.message[t][s]);
    for (std::size_t s = 0; s < p.species.size(); ++s) add_network("readout." + p.species[s], p.readout[s]);
    add("energy.shift", {species}, p.energy_shift);
  }

  const std::vector<TensorSlot>& slots() const { return slots_; }

 private:
  void add(std::string name, std::vector<std::int64_t> shape, std::vector<double>& values) {
    slots_.push_back({std::move(name), std::move(shape), &values});
  }
  void add_linear(const std::string& name, Linear& linear) {
    add(name + ".weight", {linear.outputs, linear.inputs}, linear.weight);
    add(name + ".bias", {linear.outputs}, linear.bias);
  }
  void add_activation(const std::string& name, Activation& activation, int width) {
    add(name + ".alpha", {width}, activation.alpha);
    add(name + ".beta", {width}, activation.beta);
  }
  void add_step(const std::string& name, ResidualStep& step) {
    const int width = step.linear.inputs;
    add_activation(name + ".activation", step.activation, width);
    if (step.norm) {
      add(name + ".norm.weight", {width}, step.norm->weight);
      add(name + ".norm.bias", {width}, step.norm->bias);
    }
    add_linear(name + ".linear", step.linear);
  }
  void add_network(const std::string& name, Network& network) {
    add_linear(name + ".input", network.input);
    for (std::size_t b = 0; b < network.blocks.size(); ++b)
      for (std::size_t s = 0; s < network.blocks[b].size(); ++s)
        add_step(fmt::format("{}.block.{}.step.{}", name, b, s), network.blocks[b][s]);
    add_activation(name + ".activation", network.activation, network.input.outputs);
    add_linear(name + ".output", network.output);
  }

  std::vector<TensorSlot> slots_;
};

Linear empty_linear(int inputs, int outputs) { return {inputs, outputs, {}, {}}; }

/// A network of the structure that `object` says, still without numbers.
Network empty_network(const Hyperparameters& hyperparameters, const json& object, int inputs, int outputs) {
  hyperparameters.check_keys(object, {"width", "blocks", "activation"});
  const int width = hyperparameters.size(object, "width");
  Network network;
  network.input = empty_linear(inputs, width);
  for (const json& steps : hyperparameters.list(object, "blocks")) {
    if (!steps.is_array() || steps.size() > max_steps) hyperparameters.fail("blocks", "a list of lists", steps);
    ResidualBlock& block = network.blocks.emplace_back();
    int current = width;
    for (const json& entry : steps) {
      hyperparameters.check_keys(entry, {"activation", "layer_norm", "outputs"});
      ResidualStep& step = block.emplace_back();
      step.activation.kind = activation(hyperparameters, entry);
      if (hyperparameters.logical(entry, "layer_norm")) step.norm.emplace();
      step.linear = empty_linear(current, hyperparameters.size(entry, "outputs"));
      current = step.linear.outputs;
    }
  }
  network.activation.kind = activation(hyperparameters, object);
  network.output = empty_linear(width, outputs);
  return network;
}

/// Linear maps of a network, which have at least a tensor each.
std::size_t linear_maps(const Network& network) {
  std::size_t count = 2;
  for (const ResidualBlock& block : network.blocks) count += block.size();
  return count;
}

Parameters empty_parameters(const TensorFile& file, const std::vector<std::string>& species) {
  const Hyperparameters hyperparameters(file);
  const json& object = hyperparameters.object();
  hyperparameters.check_keys(object, {"cutoff", "waves", "max_order", "orbitals", "layers", "message", "readout"});
  Parameters p;
  p.species = species;
  p.cutoff = hyperparameters.number(object, "cutoff");
  p.waves = hyperparameters.size(object, "waves");
  p.max_order = hyperparameters.size(object, "max_order");
  p.orbitals = hyperparameters.size(object, "orbitals");
  p.layers = hyperparameters.size(object, "layers");
  TensorBudget budget(file);
  const auto networks = [&](const json& structure, int outputs) {
    const Network network = empty_network(hyperparameters, structure, p.orbitals, outputs);
    budget.spend(linear_maps(network) * species.size());
    return std::vector<Network>(species.size(), network);
  };
  for (const json& structure : hyperparameters.list(object, "message"))
    p.message.push_back(networks(structure, p.waves));
  p.readout = networks(object.at("readout"), 1);
  return p;
}

}  // namespace

Parameters read_parameters(const TensorFile& file) {
  const ModelDescription description = read_description(file);
  if (description.architecture != architecture)
    throw Error(fmt::format("{}: architecture \"{}\" is not REANN", file.name(), description.architecture));
  check_species(description.species, file.name());
  Parameters parameters = empty_parameters(file, description.species);
  read_tensors(file, TensorList(parameters).slots());
  with_context(file.name(), [&] { check(parameters); });
  return parameters;
}

FileContents file_contents(const Parameters& parameters, const Provenance& provenance) {
  check(parameters);
  FileContents contents;
  contents.metadata = description_metadata({architecture, parameters.species, provenance});
  contents.metadata["hyperparameters"] = hyperparameters_of(parameters).dump();
  Parameters copy = parameters;
  contents.tensors = take_tensors(TensorList(copy).slots());
  return contents;
}

void write_model(const std::filesystem::path& path, const Parameters& parameters, const Provenance& provenance) {
  const FileContents contents = file_contents(parameters, provenance);
  write_tensor_file(path, contents.metadata, contents.tensors);
}

}  // namespace grapevine::reann
