#include "importers/sevennet.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>

#include "importers/e3nn.hpp"
#include "importers/sevennet_configuration.hpp"
#include "importers/sevennet_state.hpp"
#include "importers/size.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine {
namespace {

using e3nn::Layout;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using nequip::Interaction;

const PickleDict* dict_of(const TorchArchive& archive, const char* key) {
  const auto* root = std::get_if<std::shared_ptr<PickleDict>>(&archive.root);
  const PickleValue* value = root ? (*root)->find(key) : nullptr;
  const auto* dict = value ? std::get_if<std::shared_ptr<PickleDict>>(value) : nullptr;
  return dict ? dict->get() : nullptr;
}

bool is_deployed(const TorchArchive& archive) {
  const auto* object = std::get_if<std::shared_ptr<PickleObject>>(&archive.root);
  return object && (*object)->class_name.starts_with("__torch__.sevenn.");
}

bool is_even_scalar(const Irreps& irreps) { return irreps.is_even_scalar(); }

/// Scalars are those irreps of order 0; all others are gated, by even scalars if there are any even scalars at all.
equivariant::Gate gate_of(const IrrepsList& features, const SevenNetConfiguration& c) {
  equivariant::Gate gate;
  for (const Irreps& irreps : features) (irreps.order == 0 ? gate.scalars : gate.gated).push_back(irreps);
  gate.gate_parity = std::any_of(gate.scalars.begin(), gate.scalars.end(), is_even_scalar) ? 1 : -1;
  for (const Irreps& irreps : gate.scalars)
    gate.scalar_activation.push_back(e3nn::normalised_activation(c.scalar_activation.at(irreps.parity)));
  gate.gate_activation.assign(gate.gated.size(), e3nn::normalised_activation(c.gate_activation.at(gate.gate_parity)));
  return gate;
}

class SevenNetImporter {
 public:
  SevenNetImporter(const TorchArchive& archive, const SevenNetImportOptions& options)
      : file_(archive.name),
        c_(read_sevennet_configuration(*dict_of(archive, "config"), file_ + ": config")),
        state_(read_sevennet_state(*dict_of(archive, "model_state_dict"), file_, number_allowance(archive))) {
    choose_modality(options);
  }

  SevenNetImport run() {
    read_edges();
    read_embedding();
    for (int t = 0; t < c_.interactions(); ++t) p_.interactions.push_back(interaction(t));
    read_readout();
    p_.energy_shift = rescaling("rescale_atomic_energy.shift");
    p_.energy_scale = rescaling("rescale_atomic_energy.scale");
    state_.check_all_read([&](const std::string& name) { return is_sevennet_constant(name, c_.accelerated); });
    with_context(file_, [&] { nequip::check(p_); });
    std::string origin = "SevenNet " + c_.version;
    if (modality_ >= 0) origin += ", modality " + c_.modalities[size(modality_)];
    std::vector<std::string> notes;
    if (c_.newer)
      notes.push_back(fmt::format("written by SevenNet {}; what is newer than 0.13.0 is not known here", c_.version));
    return {std::move(p_), std::move(origin), std::move(notes)};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", file_, what)); }

  void choose_modality(const SevenNetImportOptions& options) {
    const std::vector<std::string>& names = c_.modalities;
    if (names.empty()) {
      if (options.modality) fail("the model has no modalities; leave --modality out");
      return;
    }
    if (!options.modality)
      fail(fmt::format("a model of several modalities; choose one with --modality: {}", fmt::join(names, ", ")));
    const auto found = std::find(names.begin(), names.end(), *options.modality);
    if (found == names.end())
      fail(fmt::format("no modality {}; it has {}", options.modality->substr(0, 40), fmt::join(names, ", ")));
    modality_ = static_cast<int>(found - names.begin());
  }

  void read_edges() {
    p_.species = c_.species;
    p_.basis.cutoff = c_.cutoff;
    p_.edge_order = c_.edge_order;
    p_.odd_harmonics = c_.parity;
    p_.normalised_harmonics = c_.normalised_harmonics;
    p_.basis.cutoff_kind = c_.cutoff_kind;
    p_.basis.cutoff_power = c_.cutoff_power;
    p_.basis.cutoff_onset = c_.cutoff_onset;
    p_.basis.prefactor = 2 / c_.cutoff;
    if (c_.trainable_basis) {
      p_.basis.frequency = state_.values("edge_embedding.basis_function.coeffs", size(c_.basis));
      return;
    }
    for (int n = 1; n <= c_.basis; ++n)
      p_.basis.frequency.push_back(static_cast<double>(static_cast<float>(n * std::numbers::pi / c_.cutoff)));
  }

  EquivariantLinear linear(const std::string& module, const Layout& inputs, const Layout& outputs, bool bias,
                           bool modal) {
    const e3nn::Linear map(inputs, outputs, modal ? static_cast<int>(c_.modalities.size()) : 0);
    const std::vector<double> weight = state_.values(module + ".linear.weight", map.weights());
    std::vector<double> biases;
    if (bias && map.biases() > 0) biases = state_.values(module + ".linear.bias", map.biases());
    return map.unpack(weight, biases, modality_);
  }

  void read_embedding() {
    const IrrepsList one_hot = {{c_.one_hot_species, 0, 1}};
    const Layout features = e3nn::as_written(c_.features.front());
    const EquivariantLinear map =
        linear("onehot_to_feature_x", e3nn::as_written(one_hot), features, c_.bias, c_.modal_embedding);
    for (const int row : c_.one_hot) {
      const std::size_t begin = p_.embedding.size();
      for (const EquivariantLinear::Part& part : map.parts) {
        const auto width = c_.features.front()[size(part.output)].channels;
        const auto first = part.weight.begin() + std::ptrdiff_t{row} * width;
        p_.embedding.insert(p_.embedding.end(), first, first + width);
      }
      for (std::size_t o = 0; o < map.bias.size(); ++o) p_.embedding[begin + o] += map.bias[o];
    }
  }

  /// Layers of an e3nn.nn.FullyConnectedNet.
  std::vector<Dense> network(const std::string& name, int inputs, std::vector<int> widths, int outputs) {
    widths.push_back(outputs);
    std::vector<Dense> layers;
    for (const int width : widths) {
      const std::string tensor = fmt::format("{}.layer{}.weight", name, layers.size());
      Dense dense{inputs, width, state_.values(tensor, size(inputs) * size(width)), {}};
      const double scale = 1 / std::sqrt(static_cast<double>(inputs));
      for (double& weight : dense.weight) weight *= scale;
      layers.push_back(std::move(dense));
      inputs = width;
    }
    return layers;
  }

  /// +1, or -1 where the file was written with a Wigner 3j symbol of the other sign.
  double coupling_sign(int t, const Path& path, int input_order) {
    const std::string name = fmt::format("{}_convolution.convolution._compiled_main_left_right._w3j_{}_{}_{}", t,
                                         input_order, path.edge_order, path.order);
    const bool trivial = input_order == 0 || path.edge_order == 0 || path.order == 0;
    if (!state_.find(name)) {
      if (!c_.sorted_paths && !trivial)
        fail(fmt::format("the tensor {} is missing; without it the sign of weights is not known", name));
      return 1;
    }
    const std::vector<double> ours = e3nn::wigner_3j(input_order, path.edge_order, path.order);
    const std::vector<double> theirs = state_.values(name, ours.size());
    const auto agree = [&](double sign) {
      return std::equal(ours.begin(), ours.end(), theirs.begin(),
                        [&](double a, double b) { return std::abs(sign * a - b) < 1e-5; });
    };
    if (!agree(1) && !agree(-1)) fail(fmt::format("{} is not a Wigner 3j symbol", name));
    return agree(1) ? 1 : -1;
  }

  /// Puts the radial weights, which come in the order of the file, into that of the sorted paths, signs included.
  void sort_radial_weights(Dense& last, const std::vector<int>& order, const std::vector<double>& sign,
                           const std::vector<int>& channels) const {
    std::vector<int> first(order.size());
    int column = 0;
    for (std::size_t k = 0; k < order.size(); ++k) {
      const std::size_t path = c_.sorted_paths ? size(order[k]) : k;
      first[path] = column;
      column += channels[path];
    }
    const std::vector<double> old = last.weight;
    double* target = last.weight.data();
    for (int row = 0; row < last.inputs; ++row)
      for (const int path : order)
        for (int c = 0; c < channels[size(path)]; ++c)
          *target++ = sign[size(path)] * old[size(row) * size(last.outputs) + size(first[size(path)] + c)];
  }

  void read_convolution(Interaction& x, int t) {
    const std::vector<Path> paths = c_.paths(t);
    if (paths.empty()) fail(fmt::format("interaction {} has no products", t));
    IrrepsList messages;
    std::vector<double> sign;
    std::vector<int> channels;
    for (const Path& path : paths) {
      const Irreps& from = x.input[size(path.input)];
      messages.push_back({from.channels, path.order, path.parity});
      channels.push_back(from.channels);
      sign.push_back(coupling_sign(t, path, from.order));
    }
    const std::vector<int> order = e3nn::sorted_order(messages);
    for (const int path : order) x.paths.push_back(paths[size(path)]);
    x.radial.activation = e3nn::normalised_activation(c_.radial_activation);
    x.radial.layers = network(fmt::format("{}_convolution.weight_nn", t), c_.basis, c_.radial_hidden,
                              equivariant::channels(messages));
    sort_radial_weights(x.radial.layers.back(), order, sign, channels);
    x.denominator = state_.values(fmt::format("{}_convolution.denominator", t), 1).front();
  }

  void read_self_connection(Interaction& x, int t, const Layout& inputs, const Layout& outputs) {
    const std::string module = fmt::format("{}_self_connection_intro", t);
    if (c_.self_connection[size(t)] == SelfConnection::linear) {
      x.self_connection_kind = nequip::SelfConnectionKind::shared;
      x.self_connection.push_back(linear(module, inputs, outputs, false, false));
      return;
    }
    x.self_connection_kind = nequip::SelfConnectionKind::per_species;
    const e3nn::SpeciesLinear map(inputs, outputs, c_.one_hot_species);
    const std::vector<double> weight = state_.values(module + ".fc_tensor_product.weight", map.weights());
    for (const int species : c_.one_hot) x.self_connection.push_back(map.unpack(weight, species));
  }

  Interaction interaction(int t) {
    Interaction x;
    x.input = c_.features[size(t)];
    x.gate = gate_of(c_.features[size(t) + 1], c_);
    const Layout inputs = e3nn::as_written(x.input);
    const Layout outputs = e3nn::regrouped(x.gate.inputs());
    read_self_connection(x, t, inputs, outputs);
    x.mix_input = linear(fmt::format("{}_self_interaction_1", t), inputs, inputs, c_.bias, c_.modal_mix_input);
    read_convolution(x, t);
    x.mix_messages = linear(fmt::format("{}_self_interaction_2", t), e3nn::regrouped(x.messages()), outputs, c_.bias,
                            c_.modal_mix_messages);
    return x;
  }

  Dense dense_linear(const std::string& module, const IrrepsList& inputs, int outputs, bool modal) {
    const IrrepsList scalars = {{outputs, 0, 1}};
    EquivariantLinear map = linear(module, e3nn::as_written(inputs), e3nn::as_written(scalars), c_.bias, modal);
    Dense dense{0, outputs, {}, std::move(map.bias)};
    for (const EquivariantLinear::Part& part : map.parts) {
      dense.inputs += inputs[size(part.input)].channels;
      dense.weight.insert(dense.weight.end(), part.weight.begin(), part.weight.end());
    }
    return dense;
  }

  void read_readout() {
    const IrrepsList& features = c_.features.back();
    if (c_.network_readout) {
      if (!std::all_of(features.begin(), features.end(), is_even_scalar))
        fail(fmt::format("readout_as_fcn is True, but the last features are {}", equivariant::to_string(features)));
      p_.readout = network("readout_FCN.fcn", equivariant::channels(features), c_.readout_hidden, 1);
      p_.readout_activation = e3nn::normalised_activation(c_.readout_activation);
      return;
    }
    const int hidden = equivariant::numbers(features) / 2;
    if (hidden < 1) fail("its last features are too few to read an energy from");
    p_.readout.push_back(dense_linear("reduce_input_to_hidden", features, hidden, c_.modal_readout));
    p_.readout.push_back(dense_linear("reduce_hidden_to_energy", {{hidden, 0, 1}}, 1, false));
  }

  /// Shift or scale of each species: one number, one for each place of the one-hot vector, or that for each modality.
  std::vector<double> rescaling(const std::string& name) {
    const TorchTensor& tensor = state_.tensor(name);
    const std::vector<double> values = state_.values(name);
    const std::size_t species = size(c_.one_hot_species);
    const bool modal = modality_ >= 0 && tensor.shape.size() == 2;
    const std::size_t begin = modal ? size(modality_) * species : 0;
    if (values.size() != (modal ? species * c_.modalities.size() : species) && values.size() != 1)
      fail(fmt::format("{} has {} numbers for {} species", name, values.size(), species));
    std::vector<double> result;
    for (const int index : c_.one_hot) result.push_back(values.size() == 1 ? values[0] : values[begin + size(index)]);
    return result;
  }

  std::string file_;
  SevenNetConfiguration c_;
  TensorTable state_;
  int modality_ = -1;
  nequip::Parameters p_;
};

}  // namespace

bool is_sevennet(const TorchArchive& archive) {
  return is_deployed(archive) || (dict_of(archive, "config") && dict_of(archive, "model_state_dict"));
}

SevenNetImport import_sevennet(const TorchArchive& archive, const SevenNetImportOptions& options) {
  if (is_deployed(archive))
    throw Error(
        fmt::format("{}: a deployed SevenNet model; import the training checkpoint it was made from", archive.name));
  if (!is_sevennet(archive))
    throw Error(fmt::format("{}: no SevenNet checkpoint (no config and model_state_dict)", archive.name));
  return SevenNetImporter(archive, options).run();
}

}  // namespace grapevine
