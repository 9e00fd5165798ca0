#include "nequip_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace grapevine::test {
namespace {

/// Values that differ from one another and from those of all other tensors.
class Weights {
 public:
  explicit Weights(std::vector<StateTensor>& state) : state_(state) {}
  void add(const std::string& name, const std::vector<std::int32_t>& shape) {
    StateTensor& tensor = state_.emplace_back(StateTensor{name, shape, {}});
    std::int32_t count = 1;
    for (const std::int32_t length : shape) count *= length;
    for (std::int32_t i = 0; i < count; ++i) tensor.values.push_back(0.0078125 * ++number_);
  }

 private:
  std::vector<StateTensor>& state_;
  int number_ = 0;
};

PythonItems with_text_keys(const PythonItems& items) {
  PythonItems result;
  for (const auto& [key, value] : items) result.emplace_back(python_text(key), value);
  return result;
}

std::string dict(const PythonItems& items) { return python_dict(with_text_keys(items)); }

std::string tuple(const std::vector<std::string>& items) {
  std::string result = "(";
  for (const std::string& item : items) result += item;
  return result + "t";
}

std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }

std::string irreps(const std::vector<std::array<int, 3>>& list) {
  std::vector<std::string> items;
  for (const auto& [channels, order, parity] : list) {
    const std::string pair = tuple({python_integer(order), python_integer(parity)});
    const std::string irrep = python_object("e3nn.o3._irreps", "Irrep", {pair}, {});
    items.push_back(python_object("e3nn.o3._irreps", "_MulIr", {tuple({python_integer(channels), irrep})}, {}));
  }
  return python_object("e3nn.o3._irreps", "Irreps", {tuple(items)}, {});
}

/// A module of a class with tensors and modules inside, and further attributes.
std::string module(const std::string& package, const std::string& name, const PythonItems& tensors,
                   const PythonItems& modules, const PythonItems& attributes = {}) {
  PythonItems all = {{"_parameters", dict(tensors)}, {"_buffers", dict({{"empty", "N"}})}, {"_modules", dict(modules)}};
  all.insert(all.end(), attributes.begin(), attributes.end());
  return python_object(package, name, {}, all);
}

/// Writes tensors the way of torch.package: numbers for names of storages.
class PackagedTensors {
 public:
  explicit PackagedTensors(const NequipFile& file) : file_(file) {}

  PythonItems of(const std::string& prefix) {
    PythonItems items;
    for (const StateTensor& tensor : file_.state)
      if (tensor.name.starts_with(prefix) && tensor.name.find('.', prefix.size()) == std::string::npos)
        items.emplace_back(tensor.name.substr(prefix.size()), opcodes(tensor));
    return items;
  }
  Entries storages(const std::string& root) const {
    Entries entries;
    for (std::size_t i = 0; i < storages_.size(); ++i)
      entries.emplace_back(fmt::format("{}.data/{}.storage", root, i), storages_[i]);
    return entries;
  }

 private:
  std::string opcodes(const StateTensor& tensor) {
    std::vector<std::string> shape, strides(tensor.shape.size());
    std::int32_t count = 1;
    for (std::size_t d = tensor.shape.size(); d-- > 0;) {
      strides[d] = python_integer(count);
      count *= tensor.shape[d];
    }
    for (const std::int32_t length : tensor.shape) shape.push_back(python_integer(length));
    const std::string id =
        tuple({python_text("storage"), global("torch", "DoubleStorage"),
               python_integer(static_cast<std::int32_t>(storages_.size())), python_text("cpu"), python_integer(count)});
    const auto* begin = reinterpret_cast<const char*>(tensor.values.data());
    storages_.emplace_back(begin, begin + tensor.values.size() * sizeof(double));
    return global("torch._utils", "_rebuild_tensor_v2") +
           tuple({id + "Q", python_integer(0), tuple(shape), tuple(strides), python_logical(false),
                  global("collections", "OrderedDict") + ")R"}) +
           "R";
  }

  const NequipFile& file_;
  std::vector<std::string> storages_;
};

std::string activation(const std::vector<std::array<int, 3>>& list, const std::string& function) {
  std::vector<std::string> paths;
  PythonItems acts;
  for (const auto& [channels, order, parity] : list) {
    paths.push_back(tuple({python_integer(channels), tuple({python_integer(order), python_integer(parity)}), "N"}));
    acts.emplace_back(std::to_string(acts.size()),
                      module("e3nn.math._normalize_activation", "normalize2mom", {}, {}, {{"f", function}}));
  }
  return module("e3nn.nn._activation", "Activation", {},
                {{"acts", module("torch.nn.modules.container", "ModuleList", {}, acts)}},
                {{"paths", python_list(paths)}});
}

PythonItems replaced(PythonItems items, const PythonItems& by) {
  for (const auto& replacement : by) {
    std::erase_if(items, [&](const auto& item) { return item.first == replacement.first; });
    items.push_back(replacement);
  }
  return items;
}

std::string network(PackagedTensors& tensors, const std::string& prefix) {
  PythonItems layers;
  for (const char* index : {"0", "2"})
    if (PythonItems weights = tensors.of(prefix + index + "."); !weights.empty())
      layers.emplace_back(index, module("nequip.nn.mlp", "ScalarLinearLayer", weights, {}));
  return module("nequip.nn.mlp", "ScalarMLPFunction", {},
                {{"mlp", module("torch.nn.modules.container", "Sequential", {}, layers)}});
}

std::string layer(PackagedTensors& tensors, int t, const PythonItems& changes) {
  const bool first = t == 0;
  const std::string prefix = fmt::format("layer{}_convnet.conv.", t);
  const std::string silu = global("torch.nn.functional", "silu");
  const std::string tanh =
      global("builtins", "getattr") + tuple({global("torch._C", "_VariableFunctionsClass"), python_text("tanh")}) + "R";
  PythonItems conv = {{"linear_1", module("e3nn.o3._linear", "Linear", tensors.of(prefix + "linear_1."), {})},
                      {"linear_2", module("e3nn.o3._linear", "Linear", tensors.of(prefix + "linear_2."), {})},
                      {"edge_mlp", network(tensors, prefix + "edge_mlp.mlp.")}};
  if (!first) conv.emplace_back("sc", module("e3nn.o3", "FullyConnectedTensorProduct", tensors.of(prefix + "sc."), {}));
  const PythonItems nonlinear = {{"act_scalars", activation({{2, 0, 1}}, silu)},
                                 {"act_gates", first ? activation({{2, 0, 1}}, silu) : activation({{1, 0, -1}}, tanh)}};
  const PythonItems attributes = {
      {"feature_irreps_hidden", first ? irreps({{2, 0, 1}, {2, 1, -1}}) : irreps({{2, 0, 1}})},
      {"resnet", python_logical(false)}};
  return module("nequip.nn.convnetlayer", "ConvNetLayer", {},
                {{"equivariant_nonlin", module("e3nn.nn._gate", "Gate", {}, nonlinear)},
                 {"conv", module("nequip.nn.interaction_block", "InteractionBlock", {}, conv,
                                 {{"scatter_norm_factor", python_real(0.25)}})}},
                replaced(attributes, changes));
}

}  // namespace

void NequipFile::set(const std::string& key, const std::string& opcodes) {
  drop(key);
  model.emplace_back(key, opcodes);
}

void NequipFile::drop(const std::string& key) {
  std::erase_if(model, [&](const auto& item) { return item.first == key; });
}

StateTensor& NequipFile::tensor(const std::string& name) {
  return *std::find_if(state.begin(), state.end(), [&](const StateTensor& tensor) { return tensor.name == name; });
}

void NequipFile::drop_tensor(const std::string& name) {
  std::erase_if(state, [&](const StateTensor& tensor) { return tensor.name == name; });
}

void NequipFile::average(const std::vector<StateTensor>& weights) {
  training = "nequip.train.EMALightningModule";
  for (std::size_t i = 0; i < weights.size(); ++i)
    state.push_back({fmt::format("ema.ema_weight_{}", i), weights[i].shape, weights[i].values});
}

std::vector<std::byte> NequipFile::checkpoint() const {
  std::vector<StateTensor> tensors = state;
  for (StateTensor& tensor : tensors)
    if (!tensor.name.starts_with("ema.") && !tensor.name.starts_with("model."))
      tensor.name = "model.sole_model.model.func." + tensor.name;
  const std::string info = dict({{"versions", dict({{"nequip", python_text(version)}})},
                                 {"training_module", dict({{"_target_", python_text(training)}})}});
  PythonItems items = {{"pytorch-lightning_version", python_text("2.6")},
                       {"hyper_parameters", dict({{"model", dict(model)}, {"info_dict", info}})}};
  items.insert(items.end(), more.begin(), more.end());
  return checkpoint_file("state_dict", tensors, items);
}

NequipFile small_nequip() {
  NequipFile file;
  file.model = {{"_target_", python_text("nequip.model.NequIPGNNModel")},
                {"seed", python_integer(1)},
                {"model_dtype", python_text("float32")},
                {"type_names", python_list({python_text("C1"), python_text("O")})},
                {"r_max", python_real(4)},
                {"num_layers", python_integer(2)},
                {"l_max", python_integer(1)},
                {"parity", python_logical(false)},
                {"num_features", python_integer(2)},
                {"type_embed_num_features", python_integer(3)},
                {"num_bessels", python_integer(2)},
                {"avg_num_neighbors", python_real(16)}};
  Weights weights(file.state);
  weights.add("type_embed.embed_module.weight", {2, 3});
  file.state.push_back({"edge_norm._rmax_recip", {}, {0.25}});
  file.state.push_back({"bessel_encode.bessel_weights", {1, 2}, {1, 2}});
  weights.add("layer0_convnet.conv.linear_1.weight", {3 * 3});
  weights.add("layer0_convnet.conv.edge_mlp.mlp.0.weight", {2, 4});
  weights.add("layer0_convnet.conv.edge_mlp.mlp.2.weight", {4, 6});
  weights.add("layer0_convnet.conv.linear_2.weight", {3 * 4 + 3 * 2});
  weights.add("layer1_convnet.conv.linear_1.weight", {2 * 2 + 2 * 2});
  weights.add("layer1_convnet.conv.edge_mlp.mlp.0.weight", {2, 4});
  weights.add("layer1_convnet.conv.edge_mlp.mlp.2.weight", {4, 4});
  weights.add("layer1_convnet.conv.linear_2.weight", {4 * 2});
  weights.add("layer1_convnet.conv.sc.weight", {2 * 3 * 2});
  weights.add("per_atom_energy_readout.mlp_module.mlp.0.weight", {2, 1});
  weights.add("per_type_energy_scale_shift.scales", {1, 1});
  weights.add("per_type_energy_scale_shift.shifts", {2, 1});
  return file;
}

std::string python_object(const std::string& module, const std::string& name, const std::vector<std::string>& arguments,
                          const PythonItems& attributes) {
  const std::string made = global(module, name) + tuple(arguments) + "\x81";
  return attributes.empty() ? made : made + dict(attributes) + "b";
}

std::vector<std::byte> NequipPackage::bytes(const NequipFile& file) const {
  PackagedTensors tensors(file);
  const std::string embedding =
      module("torch.nn.modules.sparse", "Embedding", tensors.of("type_embed.embed_module."), {});
  PythonItems all = {
      {"type_embed", module("nequip.nn.embedding.node", "NodeTypeEmbed", {}, {{"embed_module", embedding}})},
      {"spharm", module("nequip.nn.embedding._edge", "SphericalHarmonicEdgeAttrs", {}, {},
                        {{"irreps_edge_sh", irreps({{1, 0, 1}, {1, 1, -1}})}})},
      {"edge_norm", module("nequip.nn.embedding._edge", "EdgeLengthNormalizer", tensors.of("edge_norm."), {},
                           {{"r_max", python_real(4)}})},
      {"bessel_encode", module("nequip.nn.embedding._edge", "BesselEdgeLengthEncoding", tensors.of("bessel_encode."),
                               {{"cutoff", module("nequip.nn.embedding.cutoffs", "PolynomialCutoff", {}, {},
                                                  {{"p", python_real(6)}})}})},
      {"layer0_convnet", layer(tensors, 0, {})},
      {"layer1_convnet", layer(tensors, 1, layer_attributes)},
      {"per_atom_energy_readout",
       module("nequip.nn.mlp", "ScalarMLP", {},
              {{"mlp_module", network(tensors, "per_atom_energy_readout.mlp_module.mlp.")}})},
      {"per_type_energy_scale_shift",
       module("nequip.nn.atomwise", "PerTypeScaleShift", tensors.of("per_type_energy_scale_shift."), {},
              {{"type_names", python_list({python_text("C1"), python_text("O")})}})}};
  all = replaced(all, modules);
  const std::string energy = module("nequip.nn._graph_mixin", "SequentialGraphNetwork", {}, all);
  const std::string forces = module("nequip.nn.grad_output", "ForceStressOutput", {}, {{"func", energy}});
  PythonItems graphs = {{"sole_model", module("nequip.nn.graph_model", "GraphModel", {}, {{"model", forces}})}};
  graphs.insert(graphs.end(), models.begin(), models.end());
  std::string pickle = "\x80\x02" + module("torch.nn.modules.container", "ModuleDict", {}, graphs) + ".";
  if (damage) damage(pickle);
  Entries entries = {{"m/.data/extern_modules", "torch"},
                     {"m/model/package_metadata.txt", metadata},
                     {"m/model/eager_model.pkl", pickle}};
  const Entries storages = tensors.storages("m/");
  entries.insert(entries.end(), storages.begin(), storages.end());
  return zip_of(entries);
}

}  // namespace grapevine::test
