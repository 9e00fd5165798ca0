#include "importers/nequip_network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <numbers>
#include <utility>

#include "importers/e3nn.hpp"
#include "importers/program_version.hpp"
#include "support/error.hpp"
#include "support/error_context.hpp"

namespace grapevine {
namespace {

using e3nn::Layout;
using equivariant::ActivationKind;
using equivariant::Dense;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using nequip::Interaction;

constexpr ProgramVersion newest_version = {0, 19, 1};
constexpr double metal_coulomb = 14.399645;    // eV Angstrom, as LAMMPS and nequip have it
constexpr double real_coulomb = 332.06371;     // kcal/mol Angstrom
constexpr double calories_per_ev = 23.060549;  // kcal/mol in an eV, as LAMMPS has it
constexpr int max_dense_layers = 64;

/// Whether an irreps of the list times a harmonic gives irreps like these.
bool is_reached(const IrrepsList& list, const IrrepsList& harmonics, const Irreps& wanted) {
  for (const Irreps& a : list)
    for (const Irreps& b : harmonics)
      if (a.parity * b.parity == wanted.parity && std::abs(a.order - b.order) <= wanted.order &&
          wanted.order <= a.order + b.order)
        return true;
  return false;
}

bool holds(const IrrepsList& list, const Irreps& wanted) {
  return std::any_of(list.begin(), list.end(), [&](const Irreps& irreps) { return irreps.transforms_like(wanted); });
}

/// Tensors that hold no weights.
bool is_constant(const std::string& name) {
  const std::string last = name.substr(name.rfind('.') + 1);
  return last == "output_mask" || last == "norm_const" || last == "alpha" || last.starts_with("_w3j_") ||
         last.starts_with("_tensor_constant") || name == "edge_norm._rmax_recip";
}

class Builder {
 public:
  explicit Builder(NequipNetwork& network) : n_(network), tensors_(network.tensors), file_(tensors_.file()) {}

  NequipImport run() {
    const ProgramVersion version = parse_version(n_.version, "nequip", file_);
    p_.species = n_.types;
    if (p_.species.empty()) fail("it has no types");
    read_edges();
    read_embedding();
    for (std::size_t t = 0; t < n_.layers.size(); ++t) p_.interactions.push_back(interaction(t));
    read_readout();
    p_.energy_scale = by_type("per_type_energy_scale_shift.scales", 1);
    p_.energy_shift = by_type("per_type_energy_scale_shift.shifts", 0);
    if (n_.repulsion_power) read_repulsion(*n_.repulsion_power);
    tensors_.check_all_read(is_constant);
    with_context(file_, [&] { nequip::check(p_); });
    if (version > newest_version)
      notes_.push_back(fmt::format("written by nequip {}; what is newer than 0.19.1 is not known here", n_.version));
    return {std::move(p_), "nequip " + n_.version, std::move(notes_)};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(fmt::format("{}: {}", file_, what)); }

  void read_edges() {
    p_.basis.cutoff = n_.cutoff;
    p_.basis.cutoff_power = n_.cutoff_power;
    p_.basis.prefactor = 2 / n_.cutoff;
    for (const double root : tensors_.values("bessel_encode.bessel_weights"))
      p_.basis.frequency.push_back(root * std::numbers::pi / n_.cutoff);
    read_harmonics();
    read_pair_cutoffs();
  }

  void read_harmonics() {
    bool even = false;
    for (const Irreps& irreps : n_.harmonics) {
      const bool natural = irreps.parity == (irreps.order % 2 == 0 ? 1 : -1);
      if (irreps.channels != 1 || (irreps.parity != 1 && !natural))
        fail(fmt::format("irreps_edge_sh = {} is not supported; expected spherical harmonics, each once",
                         equivariant::to_string(n_.harmonics)));
      p_.edge_order = std::max(p_.edge_order, irreps.order);
      p_.odd_harmonics |= irreps.parity == -1;
      even |= !natural;
    }
    if (even && p_.odd_harmonics)
      fail(fmt::format("irreps_edge_sh = {} mixes parities", equivariant::to_string(n_.harmonics)));
  }

  void read_pair_cutoffs() {
    const std::size_t types = n_.types.size();
    const std::vector<double> reciprocal = tensors_.values("edge_norm._rmax_recip");
    if (tensors_.tensor("edge_norm._rmax_recip").shape.empty()) return;
    if (reciprocal.size() != types * types)
      fail(fmt::format("edge_norm._rmax_recip has {} numbers for {} types", reciprocal.size(), types));
    for (const double value : reciprocal) {
      const double cutoff = 1 / value;
      const bool is_longest = std::abs(cutoff - n_.cutoff) < 1e-12 * n_.cutoff;
      p_.pair_cutoff.push_back(is_longest ? n_.cutoff : cutoff);
    }
  }

  void read_embedding() {
    const std::string name = "type_embed.embed_module.weight";
    const std::vector<std::int64_t>& shape = tensors_.tensor(name).shape;
    const std::size_t types = n_.types.size();
    if (shape.size() != 2 || shape[0] != static_cast<std::int64_t>(types) || shape[1] < 1 || shape[1] > 4096)
      fail(fmt::format("{} is not an embedding of {} types", name, types));
    features_ = {{static_cast<int>(shape[1]), 0, 1}};
    p_.embedding = tensors_.values(name);
    if (n_.neighbour_scale.size() != 1) {
      if (n_.neighbour_scale.size() != types)
        fail(fmt::format("{} average numbers of neighbours for {} types", n_.neighbour_scale.size(), types));
      p_.neighbour_scale = n_.neighbour_scale;
    }
  }

  equivariant::Gate gate_of(std::size_t t) const {
    const NequipLayer& layer = n_.layers[t];
    equivariant::Gate gate;
    for (const Irreps& irreps : layer.features)
      if (is_reached(features_, n_.harmonics, irreps))
        (irreps.order == 0 ? gate.scalars : gate.gated).push_back(irreps);
    gate.gate_parity = is_reached(features_, n_.harmonics, {1, 0, 1}) ? 1 : -1;
    for (const Irreps& irreps : gate.scalars) {
      const ActivationKind kind = layer.scalars.of(irreps.parity);
      if (irreps.parity == -1 && kind != ActivationKind::tanh)
        fail(fmt::format("layer {}: {} on scalars of odd parity is not supported; expected tanh", t,
                         equivariant::activation_name(kind)));
      gate.scalar_activation.push_back(e3nn::normalised_activation(kind));
    }
    gate.gate_activation.assign(gate.gated.size(), e3nn::normalised_activation(layer.gates.of(gate.gate_parity)));
    if (gate.gate_parity == -1 && !gate.gated.empty()) fail(fmt::format("layer {}: gates of odd parity", t));
    if (layer.adds_input && e3nn::simplified(gate.outputs()) == features_)
      fail("convnet_resnet, which adds a layer's input to its output, is not supported; train without it");
    return gate;
  }

  std::vector<Path> paths_of(const IrrepsList& input, const IrrepsList& wanted) const {
    std::vector<Path> paths;
    for (std::size_t i = 0; i < input.size(); ++i)
      for (const Irreps& harmonic : n_.harmonics)
        for (int l = std::abs(input[i].order - harmonic.order); l <= input[i].order + harmonic.order; ++l)
          if (const Irreps out = {1, l, input[i].parity * harmonic.parity}; holds(wanted, out))
            paths.push_back({static_cast<int>(i), harmonic.order, l, out.parity});
    return paths;
  }

  equivariant::EquivariantLinear linear(const std::string& module, const Layout& inputs, const Layout& outputs) {
    const e3nn::Linear map(inputs, outputs);
    return map.unpack(tensors_.values(module + ".weight", map.weights()), {});
  }

  void read_self_connection(Interaction& x, const std::string& module, const Layout& inputs, const Layout& outputs) {
    if (!tensors_.find(module + ".weight")) return;
    const int width = equivariant::channels(embedded());
    const e3nn::SpeciesLinear map(inputs, outputs, width);
    const std::vector<double> weight = tensors_.values(module + ".weight", map.weights());
    x.self_connection_kind = nequip::SelfConnectionKind::per_embedding;
    for (int e = 0; e < width; ++e) x.self_connection.push_back(map.unpack(weight, e));
  }

  IrrepsList embedded() const { return p_.interactions.empty() ? features_ : p_.interactions.front().input; }

  Interaction interaction(std::size_t t) {
    const std::string module = fmt::format("layer{}_convnet.conv", t);
    Interaction x;
    x.input = features_;
    x.gate = gate_of(t);
    const Layout inputs = e3nn::as_written(x.input);
    const Layout outputs = e3nn::regrouped(x.gate.inputs());
    x.mix_input = linear(module + ".linear_1", inputs, inputs);
    x.paths = paths_of(x.input, outputs.irreps);
    if (n_.neighbour_scale.size() == 1) x.denominator = 1 / n_.neighbour_scale.front();
    x.radial.layers = network(module + ".edge_mlp", true);
    x.radial.activation = {ActivationKind::silu, 1};
    x.mix_messages = linear(module + ".linear_2", e3nn::regrouped(x.messages()), outputs);
    read_self_connection(x, module + ".sc", inputs, outputs);
    features_ = x.gate.outputs();
    return x;
  }

  /// Names of the weights of a ScalarMLPFunction. Between its layers stand activations, which have numbers too.
  std::vector<std::string> weight_names(const std::string& module) {
    std::vector<std::string> names;
    for (int k = 0; k < 2 * max_dense_layers; ++k)
      for (const std::string& name :
           {fmt::format("{}.mlp.{}.weight", module, k), fmt::format("{}.mlp.weights.{}", module, k)})
        if (tensors_.find(name)) names.push_back(name);
    if (names.empty()) fail(fmt::format("the tensor {}.mlp.0.weight is missing", module));
    return names;
  }

  /// Layers of a ScalarMLPFunction; all but the first are scaled by sqrt 2 if `gain`.
  std::vector<Dense> network(const std::string& module, bool gain) {
    std::vector<Dense> layers;
    for (const std::string& name : weight_names(module)) {
      const std::vector<std::int64_t>& shape = tensors_.tensor(name).shape;
      if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > 1 << 20 || shape[1] > 1 << 20)
        fail(fmt::format("{} is not a matrix", name));
      Dense dense{static_cast<int>(shape[0]), static_cast<int>(shape[1]), tensors_.values(name), {}};
      const double scale = alpha(name, dense.inputs, gain && !layers.empty());
      for (double& weight : dense.weight) weight *= scale;
      layers.push_back(std::move(dense));
    }
    return layers;
  }

  /// The factor of a layer, as a package has it or as it is made.
  double alpha(const std::string& weight, int inputs, bool gain) {
    const std::size_t end = weight.rfind(".weight");
    const std::string name = weight.substr(0, end) + ".alpha";
    if (weight.ends_with(".weight") && tensors_.find(name)) return tensors_.values(name, 1).front();
    return std::sqrt((gain ? 2.0 : 1.0) / inputs);
  }

  void read_readout() {
    if (features_.size() != 1 || !features_.front().is_even_scalar())
      fail(fmt::format("its last features are {}; expected scalars of even parity alone",
                       equivariant::to_string(features_)));
    p_.readout = network("per_atom_energy_readout.mlp_module", n_.readout_gain);
    p_.readout_activation = {n_.readout_activation, 1};
  }

  /// One number for all types or one for each; none if the tensor is empty.
  std::vector<double> by_type(const std::string& name, double fallback) {
    std::vector<double> values = tensors_.values(name);
    const std::size_t types = n_.types.size();
    if (values.empty()) return std::vector<double>(types, fallback);
    if (values.size() == 1) return std::vector<double>(types, values.front());
    if (values.size() != types) fail(fmt::format("{} has {} numbers for {} types", name, values.size(), types));
    return values;
  }

  void read_repulsion(int power) {
    equivariant::Zbl zbl;
    zbl.charge = tensors_.values("pair_potential.atomic_numbers", n_.types.size());
    zbl.cutoff_power = power;
    zbl.coulomb = 2 * tensors_.values("pair_potential._qqr2exesquare", 1).front();
    const auto is_near = [&](double value) { return std::abs(zbl.coulomb - value) < 1e-4 * value; };
    if (is_near(real_coulomb)) {
      zbl.coulomb = real_coulomb;
      convert_from_calories(zbl);
    } else if (is_near(metal_coulomb)) {
      zbl.coulomb = metal_coulomb;
    } else {
      fail(fmt::format("pair_potential: a ZBL in unknown units (e^2 = {})", zbl.coulomb));
    }
    p_.zbl = zbl;
  }

  /// Model files have energies in eV.
  void convert_from_calories(equivariant::Zbl& zbl) {
    for (std::vector<double>* energies : {&p_.energy_scale, &p_.energy_shift})
      for (double& energy : *energies) energy /= calories_per_ev;
    zbl.coulomb /= calories_per_ev;
    notes_.push_back(
        fmt::format("its ZBL is in units real, so its energies are taken for kcal/mol and divided by {} to be eV",
                    calories_per_ev));
  }

  NequipNetwork& n_;
  TensorTable& tensors_;
  std::string file_;
  IrrepsList features_;  ///< that enter the layer to be read
  std::vector<std::string> notes_;
  nequip::Parameters p_;
};

}  // namespace

NequipImport import_network(NequipNetwork network) { return Builder(network).run(); }

std::optional<ActivationKind> find_nequip_activation(const std::string& name) {
  if (name == "None" || name == "null") return ActivationKind::identity;
  if (name == "ssp") return ActivationKind::shifted_softplus;
  for (const char* known : {"silu", "mish", "gelu", "tanh", "sigmoid", "softplus", "abs"})
    if (name == known) return equivariant::find_activation(name);
  return std::nullopt;
}

}  // namespace grapevine
