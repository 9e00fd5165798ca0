#include "exporters/sevennet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "exporters/torch_state.hpp"
#include "formats/archives/torch_writer.hpp"
#include "formats/elements.hpp"
#include "importers/e3nn.hpp"
#include "importers/sevennet_configuration.hpp"
#include "importers/size.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using e3nn::Layout;
using equivariant::Activation;
using equivariant::ActivationKind;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using nequip::Interaction;
using nequip::Parameters;
using nequip::SelfConnectionKind;

constexpr const char* sevennet_version = "0.13.0";

[[noreturn]] void sevennet_lacks(const std::string& what) {
  throw Error(fmt::format("SevenNet has no such model: {}; nothing was written", what));
}

const char* sevennet_name(ActivationKind kind) {
  return kind == ActivationKind::shifted_softplus ? "ssp" : equivariant::activation_name(kind);
}

void check_known(ActivationKind kind, std::initializer_list<ActivationKind> known, const char* where) {
  if (std::find(known.begin(), known.end(), kind) == known.end())
    sevennet_lacks(fmt::format("{} in its {}", equivariant::activation_name(kind), where));
}

void check_of_network(ActivationKind kind, const char* where) {
  check_known(kind,
              {ActivationKind::relu, ActivationKind::silu, ActivationKind::tanh, ActivationKind::abs,
               ActivationKind::shifted_softplus, ActivationKind::sigmoid, ActivationKind::elu},
              where);
}

/// The kind of activation that gates have for one parity of scalars, which is the same in all of them.
class OneActivation {
 public:
  OneActivation(ActivationKind fallback, std::initializer_list<ActivationKind> known)
      : kind_(fallback), known_(known) {}

  void take(const Activation& activation) {
    if (std::find(known_.begin(), known_.end(), activation.kind) == known_.end())
      sevennet_lacks(fmt::format("{} in a gate", equivariant::activation_name(activation.kind)));
    if (is_set_ && activation.kind != kind_) sevennet_lacks("its gates have different activations");
    if (std::abs(activation.scale - e3nn::normalised_activation(activation.kind).scale) > 1e-6)
      sevennet_lacks(fmt::format("an activation in a gate is scaled by {}", activation.scale));
    kind_ = activation.kind;
    is_set_ = true;
  }
  const char* name() const { return sevennet_name(kind_); }

 private:
  ActivationKind kind_;
  std::vector<ActivationKind> known_;
  bool is_set_ = false;
};

constexpr auto silu = ActivationKind::silu;
constexpr auto softplus = ActivationKind::shifted_softplus;

/// By parity of the scalars.
struct GateActivations {
  OneActivation even{silu, {silu, softplus}};
  OneActivation odd{ActivationKind::tanh, {ActivationKind::tanh, ActivationKind::abs}};

  OneActivation& of(int parity) { return parity == 1 ? even : odd; }
  PickleValue pickled() const {
    return make_pickle_dict({{"e", make_pickle_text(even.name())}, {"o", make_pickle_text(odd.name())}});
  }
};

/// SevenNet keeps it in single precision also where all else is double; what is rounded goes into the weights.
double single_denominator(const Interaction& x) { return static_cast<double>(static_cast<float>(x.denominator)); }

/// An interaction with SevenNet's products in its order: those that it has more have weights of zero.
Interaction completed(const Interaction& x, std::vector<Path> paths) {
  Interaction result = x;
  const std::vector<int> order = e3nn::sorted_order(equivariant::messages(x.input, paths));
  result.paths.clear();
  for (const int path : order) result.paths.push_back(paths[size(path)]);
  std::vector<int> first_column, place;  // of the paths of x
  int columns = 0;
  for (const Path& path : x.paths) {
    first_column.push_back(columns);
    columns += x.input[size(path.input)].channels;
    const auto found = std::find(result.paths.begin(), result.paths.end(), path);
    if (found == result.paths.end()) sevennet_lacks("it has other products of features and harmonics");
    place.push_back(static_cast<int>(found - result.paths.begin()));
  }
  const Dense& last = x.radial.layers.back();
  Dense& wider = result.radial.layers.back();
  wider.weight.clear();
  for (int row = 0; row < last.inputs; ++row)
    for (const Path& path : result.paths) {
      const auto found = std::find(x.paths.begin(), x.paths.end(), path);
      const int width = x.input[size(path.input)].channels;
      if (found == x.paths.end()) {
        wider.weight.insert(wider.weight.end(), size(width), 0.0);
        continue;
      }
      const int column = first_column[static_cast<std::size_t>(found - x.paths.begin())];
      const double* begin = last.weight.data() + size(row) * size(last.outputs) + size(column);
      wider.weight.insert(wider.weight.end(), begin, begin + width);
    }
  wider.outputs = equivariant::channels(result.messages());
  result.mix_messages.inputs = result.messages();
  result.denominator = single_denominator(x);
  for (EquivariantLinear::Part& part : result.mix_messages.parts) {
    part.input = place[size(part.input)];
    for (double& weight : part.weight) weight *= result.denominator / x.denominator;
  }
  return result;
}

/// Of each species, also where the file has maps that are summed by the embedding.
std::vector<EquivariantLinear> maps_by_species(const Parameters& p, const Interaction& x) {
  std::vector<EquivariantLinear> maps;
  for (std::size_t s = 0; s < p.species.size(); ++s) maps.push_back(nequip::self_connection_of(p, x, s));
  return maps;
}

bool is_by_species(const Interaction& x) {
  return x.self_connection_kind == SelfConnectionKind::per_species ||
         x.self_connection_kind == SelfConnectionKind::per_embedding;
}

/// The layers as one: nothing is between them.
std::vector<Dense> merged(const std::vector<Dense>& layers) {
  Dense product = layers.front();
  for (std::size_t n = 1; n < layers.size(); ++n) {
    const Dense& next = layers[n];
    Dense sum{product.inputs, next.outputs, std::vector<double>(size(product.inputs) * size(next.outputs)), {}};
    for (int i = 0; i < product.inputs; ++i)
      for (int k = 0; k < next.inputs; ++k)
        for (int o = 0; o < next.outputs; ++o)
          sum.weight[size(i * next.outputs + o)] +=
              product.weight[size(i * next.inputs + k)] * next.weight[size(k * next.outputs + o)];
    product = std::move(sum);
  }
  return {product};
}

class SevenNetWriter {
 public:
  SevenNetWriter(const Parameters& p, DType dtype) : p_(p), dtype_(dtype) {}

  PickleValue run() {
    check_parts();
    read_shape();
    add_edges();
    add_embedding();
    for (std::size_t t = 0; t < p_.interactions.size(); ++t) add_interaction(t);
    add_readout();
    state_.add("rescale_atomic_energy.shift", p_.energy_shift);
    state_.add("rescale_atomic_energy.scale", p_.energy_scale);
    return make_pickle_dict({{"model_state_dict", state_.dict(dtype_)},
                             {"config", config()},
                             {"epoch", std::int64_t{0}},
                             {"time", make_pickle_text("exported by Grapevine")},
                             {"hash", make_pickle_text(std::string(32, '0'))}});
  }

 private:
  void say(const char* name, PickleValue value) { config_.emplace_back(name, std::move(value)); }
  void say_text(const char* name, const std::string& value) { say(name, make_pickle_text(value)); }
  void say_whole(const char* name, int value) { say(name, std::int64_t{value}); }

  int species() const { return static_cast<int>(p_.species.size()); }

  void check_parts() const {
    if (p_.zbl) sevennet_lacks("repulsion of nuclei");
    if (!p_.pair_cutoff.empty()) sevennet_lacks("cutoffs of pairs");
    if (!p_.neighbour_scale.empty()) sevennet_lacks("a scale of each species as a neighbour");
    if (p_.basis.kind != equivariant::BasisKind::bessel) sevennet_lacks("Gaussian radial functions");
    if (p_.basis.transform.kind != equivariant::TransformKind::none) sevennet_lacks("a transform of the distance");
    std::set<int> elements;
    for (const std::string& name : p_.species)
      if (atomic_number(name) == 0 || !elements.insert(atomic_number(name)).second)
        sevennet_lacks(fmt::format("the species {} is no element of its own", name));
    for (const Interaction& x : p_.interactions) check_interaction(x);
    const Dense& first = p_.interactions.front().radial.layers.front();
    for (const Interaction& x : p_.interactions)
      if (widths_between(x.radial.layers) != widths_between(p_.interactions.front().radial.layers) ||
          x.radial.activation.kind != p_.interactions.front().radial.activation.kind ||
          x.radial.layers.front().inputs != first.inputs)
        sevennet_lacks("its radial networks differ");
  }

  static void check_interaction(const Interaction& x) {
    if (x.norm) sevennet_lacks("a norm before the gate");
    if (have_biases(x.radial.layers)) sevennet_lacks("biases in a radial network");
    if (x.radial.layers.size() > 1) check_of_network(x.radial.activation.kind, "radial network");
    for (const EquivariantLinear& map : x.self_connection)
      if (!map.bias.empty()) sevennet_lacks("a bias in a self connection");
    const bool has_even = equivariant::even_scalars(x.gate.scalars) > 0;
    if (!x.gate.gated.empty() && x.gate.gate_parity != (has_even ? 1 : -1))
      sevennet_lacks("gates of another parity than its scalars");
    for (const Irreps& irreps : x.gate.gated)
      if (irreps.order == 0) sevennet_lacks("a scalar that is gated");
  }

  void read_shape() {
    shape_.features.push_back(p_.interactions.front().input);
    for (const Interaction& x : p_.interactions) shape_.features.push_back(x.gate.outputs());
    shape_.edge_order = p_.edge_order;
    shape_.parity = p_.odd_harmonics;
    const auto is_biased = [](const EquivariantLinear& map) { return !map.bias.empty(); };
    biased_ = have_biases(p_.readout) ||
              std::any_of(p_.interactions.begin(), p_.interactions.end(),
                          [&](const auto& x) { return is_biased(x.mix_input) || is_biased(x.mix_messages); });
  }

  // Modules of e3nn with all that their state_dict holds

  /// Ones where something is mixed into the outputs.
  static std::vector<double> output_mask(const IrrepsList& inputs, const IrrepsList& outputs, bool biased) {
    std::vector<double> mask;
    for (const Irreps& to : outputs) {
      const bool is_reached =
          std::any_of(inputs.begin(), inputs.end(), [&](const Irreps& from) { return from.transforms_like(to); });
      const bool is_one = is_reached || (biased && to.is_even_scalar());
      mask.insert(mask.end(), size(to.channels) * size(to.components()), is_one ? 1.0 : 0.0);
    }
    return mask;
  }

  void add_linear(const std::string& module, const EquivariantLinear& map, const Layout& inputs, const Layout& outputs,
                  bool biased) {
    const e3nn::Linear linear(inputs, outputs);
    state_.add(module + ".linear.weight", linear.pack(map));
    state_.add(module + ".linear.bias", biased ? linear.pack_bias(map) : std::vector<double>{});
    state_.add(module + ".linear.output_mask", output_mask(inputs.irreps, outputs.irreps, biased));
  }

  void add_edges() { state_.add("edge_embedding.basis_function.coeffs", p_.basis.frequency); }

  void add_embedding() {
    const IrrepsList one_hot = {{species(), 0, 1}};
    const IrrepsList& features = shape_.features.front();
    EquivariantLinear map{one_hot, features, {}, {}};
    const int width = equivariant::channels(features);
    int begin = 0;
    for (std::size_t o = 0; o < features.size(); begin += features[o++].channels) {
      EquivariantLinear::Part& part = map.parts.emplace_back();
      part.output = static_cast<int>(o);
      for (int s = 0; s < species(); ++s) {
        const double* row = p_.embedding.data() + size(s) * size(width) + size(begin);
        part.weight.insert(part.weight.end(), row, row + features[o].channels);
      }
    }
    add_linear("onehot_to_feature_x", map, e3nn::as_written(one_hot), e3nn::as_written(features), biased_);
  }

  void add_interaction(std::size_t t) {
    const Interaction& original = p_.interactions[t];
    const Interaction x = completed(original, shape_.paths(static_cast<int>(t)));
    const Layout inputs = e3nn::as_written(x.input);
    const Layout outputs = e3nn::regrouped(x.gate.inputs());
    add_self_connection(t, x, inputs, outputs);
    add_linear(fmt::format("{}_self_interaction_1", t), x.mix_input, inputs, inputs, biased_);
    add_convolution(fmt::format("{}_convolution", t), x);
    const Layout messages = e3nn::regrouped(x.messages());
    add_linear(fmt::format("{}_self_interaction_2", t), x.mix_messages, messages, outputs, biased_);
    const std::string gate = fmt::format("{}_equivariant_gate.gate.mul.", t);
    state_.add(gate + "weight", {});
    state_.add(gate + "output_mask", std::vector<double>(size(equivariant::numbers(x.gate.gated)), 1.0));
    for (std::size_t s = 0; s < x.gate.scalars.size(); ++s)
      of_scalars_.of(x.gate.scalars[s].parity).take(x.gate.scalar_activation[s]);
    for (const Activation& activation : x.gate.gate_activation) of_gates_.of(x.gate.gate_parity).take(activation);
  }

  /// One that is not there is a linear one of zeros.
  void add_self_connection(std::size_t t, const Interaction& x, const Layout& inputs, const Layout& outputs) {
    const std::string module = fmt::format("{}_self_connection_intro", t);
    if (!is_by_species(x)) {
      const bool is_there = x.self_connection_kind == SelfConnectionKind::shared;
      add_linear(module, is_there ? x.self_connection.front() : EquivariantLinear{}, inputs, outputs, false);
      return;
    }
    const e3nn::SpeciesLinear map(inputs, outputs, species());
    state_.add(module + ".fc_tensor_product.weight", map.pack(maps_by_species(p_, x)));
    state_.add(module + ".fc_tensor_product.output_mask", output_mask(inputs.irreps, outputs.irreps, false));
  }

  void add_convolution(const std::string& module, const Interaction& x) {
    state_.add(module + ".denominator", {x.denominator});
    state_.add(module + ".convolution.weight", {});
    state_.add(module + ".convolution.output_mask", std::vector<double>(size(equivariant::numbers(x.messages())), 1.0));
    std::set<std::tuple<int, int, int>> known;
    for (const Path& path : x.paths) {
      const int l1 = x.input[size(path.input)].order, l2 = path.edge_order, l3 = path.order;
      if (l1 == 0 || l2 == 0 || l3 == 0 || !known.emplace(l1, l2, l3).second) continue;
      state_.add(fmt::format("{}.convolution._compiled_main_left_right._w3j_{}_{}_{}", module, l1, l2, l3),
                 {2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1}, e3nn::wigner_3j(l1, l2, l3));
    }
    std::vector<Dense> layers = x.radial.layers;
    for (double& weight : layers.front().weight) weight *= p_.basis.prefactor * p_.cutoff() / 2;
    add_e3nn_network(state_, module + ".weight_nn", layers, x.radial.activation);
  }

  // Readout

  /// SevenNet's own two maps without an activation, or a network.
  void add_readout() {
    const IrrepsList& features = shape_.features.back();
    const std::vector<Dense>& layers = p_.readout;
    const bool is_linear = layers.size() == 1 || p_.readout_activation == Activation{};
    const int hidden = equivariant::numbers(features) / 2;
    if (layers.size() == 2 && is_linear && layers.front().outputs == hidden) {
      add_linear("reduce_input_to_hidden", equivariant_map(layers[0], features), e3nn::as_written(features),
                 e3nn::as_written({{hidden, 0, 1}}), biased_);
      add_linear("reduce_hidden_to_energy", equivariant_map(layers[1], {{hidden, 0, 1}}),
                 e3nn::as_written({{hidden, 0, 1}}), e3nn::as_written({{1, 0, 1}}), biased_);
      say("readout_as_fcn", false);
      return;
    }
    if (have_biases(layers)) sevennet_lacks("biases in its readout");
    if (equivariant::even_scalars(features) != equivariant::numbers(features))
      sevennet_lacks(fmt::format("a network behind {}", to_string(features)));
    add_readout_network(is_linear ? merged(layers) : layers);
  }

  void add_readout_network(const std::vector<Dense>& layers) {
    const bool is_linear = layers.size() == 1;
    if (!is_linear) check_of_network(p_.readout_activation.kind, "readout");
    add_e3nn_network(state_, "readout_FCN.fcn", layers, p_.readout_activation);
    say("readout_as_fcn", true);
    say("readout_fcn_hidden_neurons", make_pickle_integers(widths_between(layers)));
    say_text("readout_fcn_activation", is_linear ? "relu" : sevennet_name(p_.readout_activation.kind));
  }

  static EquivariantLinear equivariant_map(const Dense& dense, const IrrepsList& inputs) {
    EquivariantLinear map{inputs, {{dense.outputs, 0, 1}}, {}, dense.bias};
    auto next = dense.weight.begin();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].is_even_scalar()) continue;
      const auto end = next + std::ptrdiff_t{inputs[i].channels} * dense.outputs;
      map.parts.push_back({static_cast<int>(i), 0, {next, end}});
      next = end;
    }
    return map;
  }

  // Configuration

  PickleValue config() {
    say("cutoff", p_.cutoff());
    say_whole("channel", shape_.features.front().front().channels);
    std::vector<std::string> features;
    for (const IrrepsList& list : shape_.features) features.push_back(to_string(list));
    say("irreps_manual", make_pickle_texts(features));
    say_whole("lmax", p_.edge_order);
    say_whole("lmax_edge", -1);
    say_whole("lmax_node", -1);
    say("is_parity", p_.odd_harmonics);
    say_whole("num_convolution_layer", static_cast<int>(p_.interactions.size()));
    say("radial_basis", make_pickle_dict({{"radial_basis_name", make_pickle_text("bessel")},
                                          {"bessel_basis_num", std::int64_t{p_.basis.functions()}}}));
    say("cutoff_function", cutoff_function());
    say_layers();
    say_species();
    say("shift", make_pickle_reals(p_.energy_shift));
    say("scale", make_pickle_reals(p_.energy_scale));
    say_text("_model_type", "E3_equivariant_model");
    say_text("dtype", dtype_ == DType::f64 ? "double" : "single");
    say_text("version", sevennet_version);
    return make_pickle_dict(config_);
  }

  PickleValue cutoff_function() const {
    if (p_.basis.cutoff_kind == equivariant::CutoffKind::xplor)
      return make_pickle_dict(
          {{"cutoff_function_name", make_pickle_text("XPLOR")}, {"cutoff_on", p_.basis.cutoff_onset}});
    return make_pickle_dict({{"cutoff_function_name", make_pickle_text("poly_cut")},
                             {"poly_cut_p_value", std::int64_t{p_.basis.cutoff_power}}});
  }

  void say_layers() {
    const equivariant::RadialNetwork& radial = p_.interactions.front().radial;
    say_text("act_radial", radial.layers.size() == 1 ? "silu" : sevennet_name(radial.activation.kind));
    say("act_scalar", of_scalars_.pickled());
    say("act_gate", of_gates_.pickled());
    say("weight_nn_hidden_neurons", make_pickle_integers(widths_between(radial.layers)));
    std::vector<double> denominators;
    std::vector<std::string> connections;
    for (const Interaction& x : p_.interactions) {
      denominators.push_back(single_denominator(x));
      connections.emplace_back(is_by_species(x) ? "nequip" : "linear");
    }
    say("conv_denominator", make_pickle_reals(denominators));
    say("self_connection_type", make_pickle_texts(connections));
    say_text("interaction_type", "nequip");
    say("use_bias_in_linear", biased_);
    say("_normalize_sph", p_.normalised_harmonics);
    say("cuequivariance_config", make_pickle_dict({}));
    for (const char* off :
         {"train_denominator", "train_shift_scale", "use_modal_node_embedding", "use_modal_self_inter_intro",
          "use_modal_self_inter_outro", "use_modal_output_block", "use_flash_tp", "use_oeq"})
      say(off, false);
  }

  void say_species() {
    std::vector<int> numbers;
    const auto map = std::make_shared<PickleDict>();
    for (int s = 0; s < species(); ++s) {
      numbers.push_back(atomic_number(p_.species[size(s)]));
      map->items.emplace_back(std::int64_t{numbers.back()}, std::int64_t{s});
    }
    say("chemical_species", make_pickle_texts(p_.species));
    say("_chemical_species_by_atomic_number", make_pickle_integers(numbers));
    say_whole("_number_of_species", species());
    say("_type_map", map);
  }

  const Parameters& p_;
  DType dtype_;
  SevenNetConfiguration shape_;  ///< features, harmonics and parity alone
  bool biased_ = false;
  GateActivations of_scalars_;
  GateActivations of_gates_;
  std::vector<std::pair<std::string, PickleValue>> config_;
  TorchState state_;
};

}  // namespace

PickleValue export_sevennet(const Parameters& parameters, DType dtype) {
  nequip::check(parameters);
  return SevenNetWriter(parameters, dtype).run();
}

}  // namespace grapevine
