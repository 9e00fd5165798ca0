#include "importers/sevennet_configuration.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <set>
#include <string_view>

#include "formats/elements.hpp"
#include "formats/text/text_numbers.hpp"
#include "importers/e3nn.hpp"
#include "importers/pickle_settings.hpp"
#include "importers/program_version.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using equivariant::ActivationKind;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;

constexpr int max_interactions = 64;
constexpr int max_size = 4096;
constexpr ProgramVersion newest_version = {0, 13, 0};

/// Keys that say how the model was trained, or repeat what its tensors say.
const std::set<std::string_view>& training_keys() {
  static const std::set<std::string_view> keys = {"_is_trace_stress",
                                                  "_num_workers",
                                                  "_chemical_species_by_atomic_number",
                                                  "_deploy",
                                                  "_flash_lammps",
                                                  "avg_num_neigh",
                                                  "batch_size",
                                                  "best_metric",
                                                  "chemical_species",
                                                  "compute_statistics",
                                                  "continue",
                                                  "conv_denominator",
                                                  "csv_log",
                                                  "data_divide_ratio",
                                                  "data_format",
                                                  "data_format_args",
                                                  "data_modality",
                                                  "data_shuffle",
                                                  "data_weight",
                                                  "dataset_type",
                                                  "ddp_backend",
                                                  "default_modal",
                                                  "device",
                                                  "dtype",
                                                  "epoch",
                                                  "error_record",
                                                  "ewc_lambda",
                                                  "fisher_information",
                                                  "force_loss_weight",
                                                  "format_outputs_for_ase",
                                                  "is_ddp",
                                                  "is_stress",
                                                  "is_train_stress",
                                                  "local_rank",
                                                  "loss",
                                                  "loss_param",
                                                  "mem_batch_size",
                                                  "mem_ratio",
                                                  "modal_list",
                                                  "num_workers",
                                                  "opt_params",
                                                  "optim_param",
                                                  "optimizer",
                                                  "per_epoch",
                                                  "preprocess_num_cores",
                                                  "random_seed",
                                                  "rank",
                                                  "rehearsal",
                                                  "save_by_label",
                                                  "save_by_train_valid",
                                                  "save_dataset_path",
                                                  "scale",
                                                  "scheduler",
                                                  "scheduler_param",
                                                  "shift",
                                                  "stress_loss_weight",
                                                  "structure_list",
                                                  "train_avg_num_neigh",
                                                  "train_denominator",
                                                  "train_shift_scale",
                                                  "train_shuffle",
                                                  "use_mliap",
                                                  "use_modal_wise_scale",
                                                  "use_modal_wise_shift",
                                                  "use_species_wise_shift_scale",
                                                  "use_testset",
                                                  "use_weight",
                                                  "when",
                                                  "world_size"};
  return keys;
}

ActivationKind activation(const PickleSettings& settings, const std::string& key, const std::string& name,
                          std::initializer_list<std::string_view> allowed) {
  if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
    throw Error(fmt::format("{}: {} = '{}' is not supported; expected one of {}", settings.where(), key,
                            name.substr(0, 40), fmt::join(allowed, ", ")));
  return name == "ssp" ? ActivationKind::shifted_softplus : *equivariant::find_activation(name);
}

ActivationKind any_activation(PickleSettings& settings, const std::string& key, const std::string& fallback) {
  return activation(settings, key, settings.text(key, fallback),
                    {"relu", "silu", "tanh", "abs", "ssp", "sigmoid", "elu"});
}

std::map<int, ActivationKind> activations_by_parity(PickleSettings& settings, const std::string& key) {
  PickleSettings inner = settings.inner(key);
  std::map<int, ActivationKind> result = {{1, activation(inner, "e", inner.text("e", "silu"), {"ssp", "silu"})},
                                          {-1, activation(inner, "o", inner.text("o", "tanh"), {"tanh", "abs"})}};
  inner.check_keys();
  return result;
}

void read_species(SevenNetConfiguration& c, PickleSettings& settings) {
  if (!settings.has("_type_map")) settings.miss("_type_map");
  const PickleSettings map = settings.inner("_type_map");
  c.one_hot_species = settings.integer("_number_of_species", static_cast<int>(map.dict().items.size()), 1, 1000);
  std::map<int, std::int64_t> numbers;  // atomic number by place in the one-hot vector
  for (const auto& [key, value] : map.dict().items) {
    const auto* number = std::get_if<std::int64_t>(&key);
    const auto* index = std::get_if<std::int64_t>(&value);
    if (!number || !index || *index < 0 || *index >= c.one_hot_species ||
        !numbers.emplace(static_cast<int>(*index), *number).second)
      throw Error(fmt::format("{}: not a map of atomic numbers to places", map.where()));
  }
  for (const auto& [index, number] : numbers) {
    if (number == 0) continue;  // ASE's placeholder X in models of all elements
    const std::string_view symbol = element_symbol(static_cast<long>(number));
    if (symbol.empty()) throw Error(fmt::format("{}: there is no element {}", map.where(), number));
    c.species.emplace_back(symbol);
    c.one_hot.push_back(index);
  }
  if (c.species.empty()) throw Error(fmt::format("{}: no species", map.where()));
}

void read_edges(SevenNetConfiguration& c, PickleSettings& settings, bool old) {
  c.cutoff = settings.real("cutoff", 4.5);
  PickleSettings basis = settings.inner("radial_basis");
  if (const std::string name = basis.text("radial_basis_name", "bessel"); name != "bessel")
    throw Error(fmt::format("{}: radial_basis_name = '{}' is not supported; expected bessel", basis.where(), name));
  c.basis = basis.integer("bessel_basis_num", 8, 1, 256);
  c.trainable_basis = basis.logical("trainable_coeff", true);
  basis.check_keys();

  PickleSettings cutoff = settings.inner("cutoff_function");
  const std::string name = cutoff.text("cutoff_function_name", "poly_cut");
  if (name == "poly_cut") {
    c.cutoff_power = cutoff.integer("poly_cut_p_value", 6, 1, 100);
  } else if (name == "XPLOR") {
    c.cutoff_kind = equivariant::CutoffKind::xplor;
    c.cutoff_onset = cutoff.real("cutoff_on");
    if (old) cutoff.has("poly_cut_p_value");  // written, but never used
  } else {
    throw Error(fmt::format("{}: cutoff_function_name = '{}' is not supported; expected poly_cut or XPLOR",
                            cutoff.where(), name));
  }
  cutoff.check_keys();
  c.normalised_harmonics = settings.logical("_normalize_sph", !old);
  c.parity = settings.logical("is_parity", true);
}

/// SevenNet's own choice of features: everything that products reach up to an order, each with the same channels.
IrrepsList inferred_features(const IrrepsList& input, int edge_order, bool parity, int order, bool even, int channels) {
  IrrepsList reached;
  for (const Irreps& irreps : input)
    for (int l = 0; l <= edge_order; ++l)
      for (int k = std::abs(irreps.order - l); k <= std::min(irreps.order + l, order); ++k) {
        const Irreps out = {channels, k, irreps.parity * (parity && l % 2 == 1 ? -1 : 1)};
        const bool known = std::find(reached.begin(), reached.end(), out) != reached.end();
        if (!known && (!even || out.parity == 1)) reached.push_back(out);
      }
  return e3nn::regrouped(reached).irreps;
}

std::vector<IrrepsList> manual_features(const PickleSettings& settings, const PickleValue& value, int interactions) {
  const auto* items = pickle_items(value);
  if (!items || items->size() != static_cast<std::size_t>(interactions) + 1)
    settings.refuse("irreps_manual", value, fmt::format("False or {} irreps", interactions + 1));
  std::vector<IrrepsList> features;
  for (const PickleValue& item : *items) {
    const std::string* text = pickle_text(item);
    if (!text) settings.refuse("irreps_manual", item, "irreps as text");
    features.push_back(equivariant::parse_irreps(*text, settings.where() + ": irreps_manual"));
    const auto not_scalar = [](const Irreps& irreps) { return irreps.order > 0; };
    const auto first = std::find_if(features.back().begin(), features.back().end(), not_scalar);
    if (!std::all_of(first, features.back().end(), not_scalar))
      settings.refuse("irreps_manual", item, "scalars before all other irreps");
  }
  return features;
}

void read_features(SevenNetConfiguration& c, PickleSettings& settings) {
  const int interactions = settings.integer("num_convolution_layer", 3, 1, max_interactions);
  const int channels = settings.integer("channel", 32, 1, max_size);
  const int highest = equivariant::max_order;
  const int order = settings.integer("lmax", 1, 0, highest);
  const int edge_order = settings.integer("lmax_edge", -1, -1, highest);
  const int node_order = settings.integer("lmax_node", -1, -1, highest);
  c.edge_order = edge_order > 0 ? edge_order : order;
  const PickleValue* manual = settings.find("irreps_manual");
  const auto* off = manual ? std::get_if<bool>(manual) : nullptr;
  if (manual && !(off && !*off)) {
    c.features = manual_features(settings, *manual, interactions);
    return;
  }
  c.features = {{{channels, 0, 1}}};
  for (int t = 0; t < interactions; ++t) {
    const bool last = t == interactions - 1;
    const int up_to = last ? 0 : node_order > 0 ? node_order : order;
    c.features.push_back(inferred_features(c.features.back(), c.edge_order, c.parity, up_to, last, channels));
  }
}

std::vector<SelfConnection> read_self_connection(PickleSettings& settings, int interactions) {
  const std::string key = "self_connection_type";
  const PickleValue* value = settings.find(key);
  const auto kind_of = [&](const PickleValue& item) {
    const std::string* text = pickle_text(item);
    if (text && *text == "linear") return SelfConnection::linear;
    if (!text || *text != "nequip") settings.refuse(key, item, "nequip or linear");
    return SelfConnection::per_species;
  };
  const auto count = static_cast<std::size_t>(interactions);
  if (!value) return std::vector<SelfConnection>(count, SelfConnection::per_species);
  const auto* items = pickle_items(*value);
  if (!items) return std::vector<SelfConnection>(count, kind_of(*value));
  if (items->size() != count) settings.refuse(key, *value, fmt::format("one or {} types", interactions));
  std::vector<SelfConnection> kinds;
  for (const PickleValue& item : *items) kinds.push_back(kind_of(item));
  return kinds;
}

void read_layers(SevenNetConfiguration& c, PickleSettings& settings) {
  for (const auto& [key, expected] : {std::pair("interaction_type", "nequip"), {"_model_type", "E3_equivariant_model"}})
    if (const std::string text = settings.text(key, expected); text != expected)
      throw Error(fmt::format("{}: {} = '{}' is not supported; expected {}", settings.where(), key, text.substr(0, 40),
                              expected));
  c.radial_hidden = settings.sizes("weight_nn_hidden_neurons", {64, 64});
  c.radial_activation = any_activation(settings, "act_radial", "silu");
  c.scalar_activation = activations_by_parity(settings, "act_scalar");
  c.gate_activation = activations_by_parity(settings, "act_gate");
  c.self_connection = read_self_connection(settings, c.interactions());
  c.bias = settings.logical("use_bias_in_linear", false);
  c.network_readout = settings.logical("readout_as_fcn", false);
  settings.has("readout_fcn_hidden_neurons");
  settings.has("readout_fcn_activation");
  if (!c.network_readout) return;
  c.readout_hidden = settings.sizes("readout_fcn_hidden_neurons", {30, 30});
  c.readout_activation = any_activation(settings, "readout_fcn_activation", "relu");
}

void read_modalities(SevenNetConfiguration& c, PickleSettings& settings) {
  const bool used = settings.logical("use_modality", false);
  const std::size_t count =
      static_cast<std::size_t>(settings.integer("_number_of_modalities", 0, 0, used ? 1000 : 1'000'000));
  settings.has("_modal_map");
  const std::pair<const char*, bool*> places[] = {{"use_modal_node_embedding", &c.modal_embedding},
                                                  {"use_modal_self_inter_intro", &c.modal_mix_input},
                                                  {"use_modal_self_inter_outro", &c.modal_mix_messages},
                                                  {"use_modal_output_block", &c.modal_readout}};
  for (const auto& [key, place] : places) *place = settings.logical(key, false) && used;
  if (!used) return;
  const PickleSettings map = settings.inner("_modal_map");
  c.modalities.resize(count);
  for (const auto& [key, value] : map.dict().items) {
    const std::string* name = pickle_text(key);
    const auto* index = std::get_if<std::int64_t>(&value);
    if (!name || !index || *index < 0 || *index >= static_cast<std::int64_t>(count))
      throw Error(fmt::format("{}: not a map of names to places below {}", map.where(), count));
    c.modalities[static_cast<std::size_t>(*index)] = *name;
  }
  if (count < 2 || map.dict().items.size() != count)
    throw Error(fmt::format("{}: {} names for {} modalities", map.where(), map.dict().items.size(), count));
}

void read_accelerators(SevenNetConfiguration& c, PickleSettings& settings) {
  PickleSettings cue = settings.inner("cuequivariance_config");
  c.accelerated = cue.logical("use", false) || settings.logical("use_flash_tp", false);
  c.accelerated |= settings.logical("use_oeq", false);
}

bool concerns_training(const std::string& key) {
  constexpr std::string_view of_checkpoint = "_cp";
  if (training_keys().count(key) > 0) return true;
  return (key.starts_with("load_") && key.ends_with("_path")) || key.ends_with(of_checkpoint);
}

}  // namespace

std::vector<Path> SevenNetConfiguration::paths(int t) const {
  const auto place = static_cast<std::size_t>(t);
  int order = 0;
  for (const Irreps& irreps : features[place + 1]) order = std::max(order, irreps.order);
  std::vector<Path> paths;
  for (std::size_t i = 0; i < features[place].size(); ++i) {
    const Irreps& from = features[place][i];
    for (int l = 0; l <= edge_order; ++l) {
      const int sign = from.parity * (parity && l % 2 == 1 ? -1 : 1);
      if (t == interactions() - 1 && sign < 0) continue;
      for (int k = std::abs(from.order - l); k <= std::min(from.order + l, order); ++k)
        paths.push_back({static_cast<int>(i), l, k, sign});
    }
  }
  return paths;
}

SevenNetConfiguration read_sevennet_configuration(const PickleDict& dict, const std::string& where) {
  PickleSettings settings(dict, where);
  SevenNetConfiguration c;
  c.version = settings.text("version");
  const ProgramVersion version = parse_version(c.version, "SevenNet", where);
  constexpr ProgramVersion first_sorted = {0, 11, 0};
  const bool development = version == first_sorted && c.version.ends_with("dev0");
  c.sorted_paths = version >= first_sorted && !development;
  c.newer = version > newest_version;
  const bool old = version < ProgramVersion{0, 10, 0};
  if (!settings.logical("optimize_by_reduce", true))
    settings.refuse("optimize_by_reduce", false, "True, as SevenNet itself does");
  read_species(c, settings);
  read_edges(c, settings, old);
  read_features(c, settings);
  read_layers(c, settings);
  read_modalities(c, settings);
  read_accelerators(c, settings);
  settings.check_keys(concerns_training);
  return c;
}

}  // namespace grapevine
