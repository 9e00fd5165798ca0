#include "importers/nequip_checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "importers/pickle_settings.hpp"
#include "importers/program_version.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using equivariant::ActivationKind;
using equivariant::Irreps;
using equivariant::IrrepsList;

constexpr ProgramVersion oldest_version = {0, 10, 0};
constexpr ProgramVersion first_natural = {0, 16, 0};        // "parity: false" means (-1)^l, features sorted by order
constexpr ProgramVersion first_own_repulsion = {0, 17, 0};  // ZBL has a cutoff function of its own
constexpr int max_channels = 4096;

const PickleDict* root_of(const TorchArchive& archive) { return pickle_dict(archive.root); }

const PickleDict* dict_in(const PickleDict* dict, const char* key) {
  const PickleValue* value = dict ? dict->find(key) : nullptr;
  return value ? pickle_dict(*value) : nullptr;
}

bool is_none(const PickleValue* value) { return !value || std::holds_alternative<std::monostate>(*value); }

bool is_compiled(const TorchArchive& archive) {
  const auto* object = std::get_if<std::shared_ptr<PickleObject>>(&archive.root);
  return object && (*object)->class_name.starts_with("__torch__.nequip.");
}

/// What a preset sets where the configuration does not.
struct Preset {
  std::string_view name;
  int layers;
  int order;
  std::vector<int> channels;
};

const std::vector<Preset>& presets() {
  static const std::vector<Preset> table = {{"S", 2, 1, {128, 64}},
                                            {"M", 4, 2, {128, 64, 32}},
                                            {"L", 6, 3, {128, 64, 32, 32}},
                                            {"XL", 6, 4, {320, 96, 64, 32, 32}}};
  return table;
}

const Preset* find_preset(PickleSettings& model) {
  const std::string name = model.text("preset");
  std::string upper = name;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  for (const Preset& preset : presets())
    if (preset.name == upper) return &preset;
  throw Error(fmt::format("{}: preset = '{}' is not known; expected S, M, L or XL", model.where(), name.substr(0, 40)));
}

/// Which of the things that may be trained are, so that they count among the parameters.
struct Trained {
  bool roots = false;
  bool scales = false;
  bool shifts = false;
};

/// Everything of one checkpoint.
class CheckpointReader {
 public:
  explicit CheckpointReader(const TorchArchive& archive)
      : archive_(archive),
        file_(archive.name),
        hyper_(dict_in(root_of(archive), "hyper_parameters")),
        info_(dict_in(hyper_, "info_dict")) {}

  NequipNetwork run() {
    if (!info_)
      fail("no checkpoint of NequIP (no info_dict in hyper_parameters); if it is of nequip before 0.10, " +
           std::string(repackage_advice));
    const std::string version = version_text();
    version_ = parse_version(version, "nequip", file_);
    if (version_ < oldest_version)
      fail(fmt::format("a checkpoint of nequip {}, which is too old to be read here; {}", version.substr(0, 20),
                       repackage_advice));
    const bool averaged = check_training();
    NequipNetwork network(TensorTable(file_, number_allowance(archive_)));
    network.version = version;
    read_model(network, *model_of());
    read_tensors(network, averaged);
    return network;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", file_, what)); }

  std::string version_text() const {
    const PickleDict* versions = dict_in(info_, "versions");
    const PickleValue* value = versions ? versions->find("nequip") : nullptr;
    const std::string* text = value ? pickle_text(*value) : nullptr;
    if (!text) fail("it does not say which version of nequip wrote it");
    return *text;
  }

  /// Whether the averaged weights are the ones that count.
  bool check_training() const {
    const PickleDict* training = dict_in(info_, "training_module");
    const PickleValue* target = training ? training->find("_target_") : nullptr;
    const std::string* name = target ? pickle_text(*target) : nullptr;
    if (!name) fail("info_dict: training_module: _target_ is missing");
    if (root_of(archive_)->find("schedulefree_optimizer_state_dict") || name->ends_with("ScheduleFreeLightningModule"))
      fail(
          "a checkpoint of ScheduleFreeLightningModule, whose weights are not the ones to evaluate with; package it "
          "(nequip-package) and import the package");
    if (name->ends_with(".EMALightningModule")) return true;
    if (!name->ends_with(".NequIPLightningModule"))
      fail(
          fmt::format("a checkpoint of {}, which is not known here; package it (nequip-package) and import the package",
                      name->substr(0, 80)));
    return false;
  }

  const PickleDict* model_of() const {
    if (const PickleDict* model = dict_in(hyper_, "model"); model && model->find("_target_")) return model;
    const PickleDict* model = dict_in(dict_in(info_, "training_module"), "model");
    if (!model || !model->find("_target_")) fail("info_dict: training_module: model is missing");
    return model;
  }

  // Configuration

  void read_model(NequipNetwork& network, const PickleDict& dict) {
    PickleSettings model(dict, file_ + ": model");
    const std::string target = model.text("_target_");
    const std::string name = target.substr(target.rfind('.') + 1);
    if (target.starts_with("nequip.") && name == "modify") return read_modified(network, model);
    if (target.starts_with("allegro."))
      fail("an Allegro model, which is strictly local and of another architecture; only NequIP models are read");
    if (name == "ModelFromPackage" || name == "ModelFromCheckpoint")
      fail(
          fmt::format("it was fine-tuned from another file and holds only the path to that ({}); package it "
                      "(nequip-package) and import the package",
                      name));
    const bool nequip = target.starts_with("nequip.model.");
    if (nequip && name == "PresetNequIPGNNModel")
      read_simple(network, model, find_preset(model));
    else if (nequip && (name == "NequIPGNNModel" || name == "NequIPGNNEnergyModel"))
      read_simple(network, model, nullptr);
    else if (nequip && (name == "FullNequIPGNNModel" || name == "FullNequIPGNNEnergyModel"))
      read_full(network, model);
    else
      fail(
          fmt::format("model: _target_ = '{}' is not supported; expected one of nequip.model's NequIPGNNModel, "
                      "PresetNequIPGNNModel, FullNequIPGNNModel",
                      target.substr(0, 80)));
    read_common(network, model);
    model.check_keys();
  }

  /// A model that was changed after it was built. What changes it at training or in speed alone leaves its tensors.
  void read_modified(NequipNetwork& network, PickleSettings& model) {
    const PickleValue* modifiers = model.find("modifiers");
    const auto* items = modifiers ? pickle_items(*modifiers) : nullptr;
    if (!items) fail("model: modifiers are not a list");
    const PickleValue* inner = model.find("model");
    const PickleDict* dict = inner ? pickle_dict(*inner) : nullptr;
    if (!dict || !dict->find("_target_")) fail("model: nequip.model.modify of something that is not one model");
    read_model(network, *dict);
    for (const PickleValue& item : *items) {
      const PickleDict* modifier = pickle_dict(item);
      if (!modifier) fail("model: a modifier that is not a dict");
      PickleSettings settings(*modifier, file_ + ": model: modifier");
      const std::string name = settings.text("modifier");
      if (name == "modify_PerTypeScaleShift") {
        trained_.scales = settings.logical("scales_trainable", trained_.scales);
        trained_.shifts = settings.logical("shifts_trainable", trained_.shifts);
      } else if (name != "enable_OpenEquivariance" && name != "enable_CuEquivariance") {
        fail(fmt::format("model: modifier = '{}' is not supported; package it (nequip-package) and import the package",
                         name.substr(0, 40)));
      }
    }
  }

  void read_simple(NequipNetwork& network, PickleSettings& model, const Preset* preset) {
    const int layers = model.integer("num_layers", preset ? preset->layers : 4, 1, max_nequip_layers);
    const int order = model.integer("l_max", preset ? preset->order : 1, 0, equivariant::max_order);
    const bool parity = model.logical("parity", preset == nullptr);
    const std::vector<int> channels = channels_of(model, order, preset);
    for (const char* known : {"type_embed_num_features", "radial_mlp_depth", "radial_mlp_width"}) model.has(known);
    const bool odd = parity || version_ >= first_natural;
    for (int l = 0; l <= order; ++l) network.harmonics.push_back({1, l, odd && l % 2 == 1 ? -1 : 1});
    network.layers.resize(static_cast<std::size_t>(layers));
    for (NequipLayer& layer : network.layers) layer.features = features_of(channels, parity);
    network.layers.back().features = {{channels.front(), 0, 1}};
  }

  static std::vector<int> channels_of(PickleSettings& model, int order, const Preset* preset) {
    const auto count = static_cast<std::size_t>(order) + 1;
    const PickleValue* value = model.find("num_features");
    std::vector<int> channels = preset ? preset->channels : std::vector<int>(count, 32);
    if (value && pickle_items(*value))
      channels = model.sizes("num_features", {});
    else if (value)
      channels.assign(count, model.integer("num_features", 0, 1, max_channels));
    if (channels.size() != count || *std::max_element(channels.begin(), channels.end()) > max_channels)
      throw Error(fmt::format("{}: num_features has {} numbers for l_max = {}; expected one for each order, at most {}",
                              model.where(), channels.size(), order, max_channels));
    return channels;
  }

  IrrepsList features_of(const std::vector<int>& channels, bool parity) const {
    IrrepsList by_order;
    const int orders = static_cast<int>(channels.size());
    for (int l = 0; l < orders; ++l)
      for (const int p : {1, -1}) {
        const int natural = version_ >= first_natural && l % 2 == 1 ? -1 : 1;
        if (parity || p == natural) by_order.push_back({channels[static_cast<std::size_t>(l)], l, p});
      }
    if (version_ < first_natural)
      std::stable_partition(by_order.begin(), by_order.end(), [](const Irreps& irreps) { return irreps.parity == 1; });
    return by_order;
  }

  void read_full(NequipNetwork& network, PickleSettings& model) {
    for (const char* known : {"type_embed_num_features", "radial_mlp_depth", "radial_mlp_width"}) model.has(known);
    const PickleValue* edges = model.find("irreps_edge_sh");
    if (!edges) model.miss("irreps_edge_sh");
    if (const std::string* text = pickle_text(*edges))
      network.harmonics = equivariant::parse_irreps(*text, model.where() + ": irreps_edge_sh");
    else
      for (int l = 0; l <= model.integer("irreps_edge_sh", 0, 0, equivariant::max_order); ++l)
        network.harmonics.push_back({1, l, l % 2 == 1 ? -1 : 1});
    const PickleValue* features = model.find("feature_irreps_hidden");
    const auto* items = features ? pickle_items(*features) : nullptr;
    if (!items || items->empty() || items->size() > max_nequip_layers)
      fail(fmt::format("model: feature_irreps_hidden is not a list of 1 to {} irreps", max_nequip_layers));
    for (const PickleValue& item : *items) {
      const std::string* text = pickle_text(item);
      if (!text) model.refuse("feature_irreps_hidden", item, "irreps as text");
      network.layers.emplace_back().features =
          equivariant::parse_irreps(*text, model.where() + ": feature_irreps_hidden");
    }
  }

  void read_common(NequipNetwork& network, PickleSettings& model) {
    for (const char* of_no_effect : {"seed", "model_dtype", "compile_mode", "do_derivatives"}) model.has(of_no_effect);
    for (const char* in_tensors :
         {"per_edge_type_cutoff", "num_bessels", "per_type_energy_scales", "per_type_energy_shifts",
          "readout_mlp_hidden_layers_depth", "readout_mlp_hidden_layers_width", "convnet_sc"})
      model.has(in_tensors);
    trained_ = {optional_logical(model, "bessel_trainable"),
                optional_logical(model, "per_type_energy_scales_trainable"),
                optional_logical(model, "per_type_energy_shifts_trainable")};
    network.types = types_of(model);
    network.cutoff = model.real("r_max");
    network.cutoff_power = model.integer("polynomial_cutoff_p", 6, 2, 100);
    network.neighbour_scale = neighbour_scale(model, network.types);
    if (const PickleValue* fields = model.find("categorical_graph_field_embed"); !is_none(fields))
      fail("model: categorical_graph_field_embed is not supported: nothing here knows such fields of a structure");
    read_gates(network, model);
    read_readout(network, model);
    read_repulsion(network, model);
  }

  static bool optional_logical(PickleSettings& model, const char* key) {
    return !is_none(model.find(key)) && model.logical(key, false);
  }

  static std::vector<std::string> types_of(PickleSettings& model) {
    const PickleValue* value = model.find("type_names");
    if (!value) model.miss("type_names");
    const auto* items = pickle_items(*value);
    if (!items) model.refuse("type_names", *value, "a list");
    std::vector<std::string> types;
    for (const PickleValue& item : *items) {
      const std::string* name = pickle_text(item);
      if (!name) model.refuse("type_names", item, "text");
      types.push_back(*name);
    }
    return types;
  }

  static std::vector<double> neighbour_scale(PickleSettings& model, const std::vector<std::string>& types) {
    const PickleValue* value = model.find("avg_num_neighbors");
    if (is_none(value)) return {1};
    std::vector<double> counts;
    if (pickle_dict(*value)) {
      PickleSettings by_type = model.inner("avg_num_neighbors");
      for (const std::string& type : types) counts.push_back(by_type.real(type));
      by_type.check_keys();
    } else {
      counts.push_back(model.real("avg_num_neighbors"));
    }
    for (double& count : counts) {
      if (!(count > 0) || !std::isfinite(count)) model.refuse("avg_num_neighbors", *value, "positive numbers");
      count = 1 / std::sqrt(count);
    }
    return counts;
  }

  static NequipActivations activations(PickleSettings& model, const char* key) {
    NequipActivations result;
    if (!model.has(key)) return result;
    PickleSettings inner = model.inner(key);
    for (const auto& [parity, place] : {std::pair("e", &result.even), std::pair("o", &result.odd)}) {
      const std::string name = inner.text(parity);
      const auto kind = find_nequip_activation(name);
      if (!kind || (name != "abs" && name != "tanh" && name != "ssp" && name != "silu"))
        throw Error(fmt::format("{}: {} = '{}' is not supported; expected abs, tanh, ssp or silu", inner.where(),
                                parity, name.substr(0, 40)));
      *place = *kind;
    }
    return result;
  }

  void read_gates(NequipNetwork& network, PickleSettings& model) const {
    if (const std::string type = model.text("convnet_nonlinearity_type", "gate"); type != "gate")
      fail(fmt::format("model: convnet_nonlinearity_type = '{}' is not supported; expected gate", type.substr(0, 40)));
    const bool adds_input = model.logical("convnet_resnet", false);
    const bool first_too = model.logical("learnable_shift", false);
    const NequipActivations scalars = activations(model, "convnet_nonlinearity_scalars");
    const NequipActivations gates = activations(model, "convnet_nonlinearity_gates");
    for (std::size_t t = 0; t < network.layers.size(); ++t) {
      NequipLayer& layer = network.layers[t];
      layer.scalars = scalars;
      layer.gates = gates;
      layer.adds_input = adds_input && (t > 0 || first_too);
    }
  }

  static void read_readout(NequipNetwork& network, PickleSettings& model) {
    const char* key = "readout_mlp_nonlinearity";
    const PickleValue* value = model.find(key);
    if (!value) return;
    const bool none = is_none(value);
    const std::string name = none ? "None" : model.text(key);
    const auto kind = find_nequip_activation(name);
    if (!kind || *kind == ActivationKind::abs)
      model.refuse(key, *value, "silu, mish, gelu, ssp, tanh, sigmoid, softplus or None");
    network.readout_activation = *kind;
    network.readout_gain = !none;
  }

  void read_repulsion(NequipNetwork& network, PickleSettings& model) const {
    if (is_none(model.find("pair_potential"))) return;
    PickleSettings pair = model.inner("pair_potential");
    const std::string target = pair.text("_target_");
    if (!target.starts_with("nequip.") || !target.ends_with(".ZBL"))
      fail(fmt::format("model: pair_potential = '{}' is not supported; expected ZBL or none", target.substr(0, 80)));
    for (const char* in_tensors : {"units", "chemical_species"}) pair.has(in_tensors);
    const bool own = version_ >= first_own_repulsion;
    network.repulsion_power = own ? pair.integer("polynomial_cutoff_p", 6, 2, 100) : network.cutoff_power;
    pair.check_keys();
  }

  // Tensors

  void read_tensors(NequipNetwork& network, bool averaged) {
    const PickleDict* state = dict_in(root_of(archive_), "state_dict");
    if (!state) fail("state_dict is missing");
    std::vector<std::pair<std::string, const TorchTensor*>> tensors = tensors_of(*state);
    if (averaged) take_averages(*state, tensors);
    for (const auto& [name, tensor] : tensors) network.tensors.add(name, *tensor);
  }

  std::vector<std::pair<std::string, const TorchTensor*>> tensors_of(const PickleDict& state) const {
    constexpr std::string_view models = "model.";
    constexpr std::string_view sole = "model.sole_model.";
    std::vector<std::pair<std::string, const TorchTensor*>> tensors;
    for (const auto& [key, value] : state.items) {
      const std::string* name = pickle_text(key);
      if (!name || !name->starts_with(models)) continue;
      if (!name->starts_with(sole)) fail("several models in one file, which is not supported; package one of them");
      const TorchTensor* tensor = pickle_tensor(value);
      if (!tensor) fail(fmt::format("{} is not a tensor", name->substr(0, 80)));
      tensors.emplace_back(inner_name(name->substr(sole.size())), tensor);
    }
    return tensors;
  }

  /// "model.func.factor" or, of a model without forces, "model.factor" -> "factor"
  static std::string inner_name(std::string name) {
    for (const std::string_view prefix : {"model.", "func."})
      if (name.starts_with(prefix)) name.erase(0, prefix.size());
    return name;
  }

  /// Puts averages in the place of weights: they have numbers for names, in the order of the model's parameters.
  void take_averages(const PickleDict& state, std::vector<std::pair<std::string, const TorchTensor*>>& tensors) const {
    check_averages(state);
    std::size_t number = 0;
    for (auto& [name, tensor] : tensors) {
      if (!is_parameter(name, *tensor)) continue;
      const TorchTensor* average = nullptr;
      do {
        const PickleValue* value = state.find(fmt::format("ema.ema_weight_{}", number++));
        average = value ? pickle_tensor(*value) : nullptr;
      } while (average && average->count() == 0);
      if (!average || average->shape != tensor->shape)
        fail(fmt::format("ema.ema_weight_{} is not an average of {}", number - 1, name.substr(0, 80)));
      tensor = average;
    }
    while (const PickleValue* value = state.find(fmt::format("ema.ema_weight_{}", number++))) {
      const TorchTensor* average = pickle_tensor(*value);
      if (!average || average->count() > 0) fail(fmt::format("ema.ema_weight_{} is of no parameter", number - 1));
    }
  }

  void check_averages(const PickleDict& state) const {
    const PickleDict* extra = dict_in(&state, "ema._extra_state");
    const PickleValue* value = extra ? extra->find("is_holding_ema_weights") : nullptr;
    const bool* holds = value ? std::get_if<bool>(value) : nullptr;
    if (holds && !*holds) fail("it was written while the averaged weights were in use; take another checkpoint");
  }

  bool is_parameter(const std::string& name, const TorchTensor& tensor) const {
    const std::string_view last = std::string_view(name).substr(name.rfind('.') + 1);
    if (tensor.count() == 0) return false;
    if (last == "bessel_weights") return trained_.roots;
    if (last == "scales") return trained_.scales;
    if (last == "shifts") return trained_.shifts;
    return last == "weight" || name.find(".mlp.weights.") != std::string::npos;
  }

  const TorchArchive& archive_;
  std::string file_;
  const PickleDict* hyper_;
  const PickleDict* info_;
  ProgramVersion version_ = {};
  Trained trained_;
};

}  // namespace

bool is_nequip_checkpoint(const TorchArchive& archive) {
  const PickleDict* root = root_of(archive);
  const bool lightning = root && root->find("state_dict") && root->find("pytorch-lightning_version");
  return is_compiled(archive) || lightning;
}

NequipNetwork read_nequip_checkpoint(const TorchArchive& archive) {
  if (is_compiled(archive))
    throw Error(
        fmt::format("{}: a compiled NequIP model; import the checkpoint or the package (.nequip.zip) it was made from",
                    archive.name));
  return CheckpointReader(archive).run();
}

}  // namespace grapevine
