#include "models/reann/file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "formats/strict_json.hpp"
#include "support/error.hpp"

namespace grapevine::reann {
namespace {

using nlohmann::json;

constexpr int json_depth = 8;
constexpr std::size_t max_steps = 64;
constexpr int max_size = 65536;

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

/// Typed access to the hyperparameters of one file.
class Hyperparameters {
 public:
  explicit Hyperparameters(const TensorFile& file)
      : where_(file.name() + ": hyperparameters"),
        object_(parse_strict_json(file.metadata("hyperparameters"), where_, json_depth)) {}

  const json& object() const { return object_; }

  void check_keys(const json& object, const std::set<std::string>& keys) const {
    if (!object.is_object())
      throw Error(fmt::format("{}: an object with {} is missing", where_, fmt::join(keys, ", ")));
    for (const auto& item : object.items())
      if (keys.count(item.key()) == 0) throw Error(fmt::format("{}: unknown key \"{}\"", where_, item.key()));
    for (const std::string& key : keys)
      if (!object.contains(key)) throw Error(fmt::format("{}: \"{}\" is missing", where_, key));
  }
  int size(const json& object, const char* key) const {
    const json& value = object.at(key);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > static_cast<std::uint64_t>(max_size))
      fail(key, "a whole number", value);
    return value.get<int>();
  }
  double number(const json& object, const char* key) const {
    if (!object.at(key).is_number()) fail(key, "a number", object.at(key));
    return object.at(key).get<double>();
  }
  bool logical(const json& object, const char* key) const {
    if (!object.at(key).is_boolean()) fail(key, "true or false", object.at(key));
    return object.at(key).get<bool>();
  }
  const json& list(const json& object, const char* key) const {
    if (!object.at(key).is_array() || object.at(key).size() > max_steps)
      fail(key, "a list of reasonable length", object);
    return object.at(key);
  }
  ActivationKind activation(const json& object) const {
    for (const ActivationName& entry : activation_names)
      if (object.at("activation") == entry.name) return entry.kind;
    fail("activation", "relu_like or tanh_like", object.at("activation"));
  }
  [[noreturn]] void fail(const char* key, const char* expected, const json& found) const {
    throw Error(fmt::format("{}: \"{}\" is not {} but {}", where_, key, expected, shortened(found)));
  }

 private:
  static std::string shortened(const json& value) {
    const std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
    return text.size() > 40 ? text.substr(0, 40) + "..." : text;
  }
  std::string where_;
  json object_;
};

/// A place for the numbers of one tensor, or the source of them.
struct TensorSlot {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<double>* values;
};

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
      step.activation.kind = hyperparameters.activation(entry);
      if (hyperparameters.logical(entry, "layer_norm")) step.norm.emplace();
      step.linear = empty_linear(current, hyperparameters.size(entry, "outputs"));
      current = step.linear.outputs;
    }
  }
  network.activation.kind = hyperparameters.activation(object);
  network.output = empty_linear(width, outputs);
  return network;
}

/// Counts the linear maps of each structure read, so that a short header cannot ask for millions of networks.
class StructureBudget {
 public:
  StructureBudget(const TensorFile& file, std::size_t species) : file_(file), species_(species) {}

  void spend(const Network& network) {
    used_ += 2 * species_;
    for (const ResidualBlock& block : network.blocks) used_ += block.size() * species_;
    if (used_ > file_.tensors().size())
      throw Error(fmt::format("{}: its hyperparameters describe more networks than it has tensors", file_.name()));
  }

 private:
  const TensorFile& file_;
  std::size_t species_;
  std::size_t used_ = 0;
};

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
  StructureBudget budget(file, species.size());
  const auto networks = [&](const json& structure, int outputs) {
    const Network network = empty_network(hyperparameters, structure, p.orbitals, outputs);
    budget.spend(network);
    return std::vector<Network>(species.size(), network);
  };
  for (const json& structure : hyperparameters.list(object, "message"))
    p.message.push_back(networks(structure, p.waves));
  p.readout = networks(object.at("readout"), 1);
  return p;
}

void fill(const TensorFile& file, const TensorSlot& slot) {
  const TensorView& view = file.tensor(slot.name);
  if (view.shape != slot.shape)
    throw Error(fmt::format("{}: tensor {} has shape [{}]; expected [{}]", file.name(), slot.name,
                            fmt::join(view.shape, ", "), fmt::join(slot.shape, ", ")));
  if (view.dtype != DType::f32 && view.dtype != DType::f64)
    throw Error(fmt::format("{}: tensor {} is of type {}; expected F32 or F64", file.name(), slot.name,
                            dtype_name(view.dtype)));
  *slot.values = view.to_doubles();
}

}  // namespace

Parameters read_parameters(const TensorFile& file) {
  const ModelDescription description = read_description(file);
  if (description.architecture != architecture)
    throw Error(fmt::format("{}: architecture \"{}\" is not REANN", file.name(), description.architecture));
  Parameters parameters = empty_parameters(file, description.species);
  const TensorList list(parameters);
  std::set<std::string> known;
  for (const TensorSlot& slot : list.slots()) {
    fill(file, slot);
    known.insert(slot.name);
  }
  for (const auto& [name, view] : file.tensors())
    if (known.count(name) == 0)
      throw Error(fmt::format("{}: tensor {} does not belong to the model", file.name(), name));
  try {
    check(parameters);
  } catch (const Error& problem) {
    throw Error(fmt::format("{}: {}", file.name(), problem.what()));
  }
  return parameters;
}

FileContents file_contents(const Parameters& parameters, const Provenance& provenance) {
  check(parameters);
  FileContents contents;
  contents.metadata = description_metadata({architecture, parameters.species, provenance});
  contents.metadata["hyperparameters"] = hyperparameters_of(parameters).dump();
  Parameters copy = parameters;
  const TensorList list(copy);
  for (const TensorSlot& slot : list.slots())
    contents.tensors.push_back({slot.name, slot.shape, std::move(*slot.values)});
  return contents;
}

void write_model(const std::filesystem::path& path, const Parameters& parameters, const Provenance& provenance) {
  const FileContents contents = file_contents(parameters, provenance);
  write_tensor_file(path, contents.metadata, contents.tensors);
}

}  // namespace grapevine::reann
