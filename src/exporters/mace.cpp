#include "exporters/mace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "exporters/mace_products.hpp"
#include "exporters/torch_state.hpp"
#include "formats/archives/torch_writer.hpp"
#include "formats/elements.hpp"
#include "importers/e3nn.hpp"
#include "importers/size.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

using e3nn::as_written;
using equivariant::ActivationKind;
using equivariant::BasisKind;
using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using equivariant::Path;
using equivariant::TransformKind;
using mace::Interaction;
using mace::Parameters;

constexpr double zbl_coulomb = 14.3996;  // eV Angstrom, of mace-torch's ZBL
constexpr double zbl_length = 0.529;     // Angstrom, of the same
constexpr double zbl_decays[] = {3.2, 0.9423, 0.4028, 0.2016};
constexpr double radius_of_others = 0.2;  // Angstrom, as ASE has it for elements without a radius
constexpr int last_element = 118;

bool are_near(double a, double b) { return std::abs(a - b) <= 1e-6 * std::max(std::abs(a), std::abs(b)); }

IrrepsList scalars(int channels) { return {{channels, 0, 1}}; }

/// All products that give irreps of orders up to that of the harmonics, in mace-torch's order.
std::vector<Path> mace_paths(const IrrepsList& input, int edge_order) {
  std::vector<Path> paths;
  for (std::size_t i = 0; i < input.size(); ++i)
    for (int l = 0; l <= edge_order; ++l)
      for (int order = std::abs(input[i].order - l); order <= std::min(input[i].order + l, edge_order); ++order)
        if ((input[i].order + l + order) % 2 == 0)
          paths.push_back({static_cast<int>(i), l, order, order % 2 == 0 ? 1 : -1});
  std::stable_sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) { return a.order < b.order; });
  return paths;
}

const char* block_name(const Interaction& x) {
  const bool is_residual = x.mix_by_species.empty();
  if (x.density.empty()) return is_residual ? "RealAgnosticResidualInteractionBlock" : "RealAgnosticInteractionBlock";
  return is_residual ? "RealAgnosticDensityResidualInteractionBlock" : "RealAgnosticDensityInteractionBlock";
}

class MaceWriter {
 public:
  MaceWriter(const Parameters& p, DType dtype) : p_(p), dtype_(dtype) {}

  PickleValue run() {
    check_interactions();
    add_edges();
    add_embedding();
    for (std::size_t t = 0; t < p_.interactions.size(); ++t) add_interaction(t);
    add_readouts();
    add_energies();
    if (p_.zbl) add_repulsion();
    return make_pickle_dict({{"sizes", make_pickle_dict(sizes_)}, {"state_dict", state_.dict(dtype_)}});
  }

 private:
  [[noreturn]] static void lacks(const std::string& what) {
    throw Error(fmt::format("mace-torch has no such model: {}; nothing was written", what));
  }

  void say(const char* name, PickleValue value) { sizes_.emplace_back(name, std::move(value)); }
  void say(const char* name, bool value) { say(name, PickleValue(value)); }
  void say(const char* name, double value) { say(name, PickleValue(value)); }
  void say(const char* name, int value) { say(name, PickleValue(std::int64_t{value})); }
  void say(const char* name, const std::string& value) { say(name, make_pickle_text(value)); }
  void say(const char* name, const char* value) { say(name, make_pickle_text(value)); }

  // What is the same in all interactions

  int channels() const { return p_.interactions.front().message.front().channels; }
  bool is_last(std::size_t t) const { return t + 1 == p_.interactions.size(); }
  int species() const { return static_cast<int>(p_.species.size()); }

  void check_interactions() {
    if (p_.edge_order < 1) lacks("its harmonics are of order 0 alone");
    const Interaction& first = p_.interactions.front();
    const IrrepsList& hidden = first.output;
    if (hidden.front().order != 0) lacks("its features have no scalars");
    if (first.input != scalars(channels()))
      lacks(fmt::format("{} at the beginning and {} behind", to_string(first.input), to_string(hidden)));
    for (std::size_t t = 0; t < p_.interactions.size(); ++t) check_interaction(t, hidden);
    say("interaction_cls_first", block_name(first));
    say("interaction_cls", block_name(p_.interactions.back()));
    say("hidden_irreps", to_string(hidden));
    say_edge_irreps();
    say("num_interactions", static_cast<int>(p_.interactions.size()));
    say("radial_MLP", make_pickle_integers(widths_between(first.radial.layers)));
    std::vector<int> degrees;
    for (const Interaction& x : p_.interactions) degrees.push_back(most_factors(x));
    say("correlation", make_pickle_integers(degrees));
    denominator_ = 1;
    for (const Interaction& x : p_.interactions)
      if (x.density.empty()) denominator_ = x.denominator;
    say("avg_num_neighbors", denominator_);
  }

  void check_interaction(std::size_t t, const IrrepsList& hidden) const {
    const Interaction& x = p_.interactions[t];
    const std::string name = fmt::format("interaction {} ", t);
    if (x.message.size() != size(p_.edge_order) + 1 || x.message.front().channels != channels())
      lacks(name + fmt::format("has messages {}", to_string(x.message)));
    const IrrepsList expected = is_last(t) ? IrrepsList{hidden.front()} : hidden;
    if (x.output != expected) lacks(name + fmt::format("gives {}, not {}", to_string(x.output), to_string(expected)));
    if (x.paths != mace_paths(x.edge_input(), p_.edge_order)) lacks(name + "has other products");
    if (!x.mix_by_species.empty() && !x.self_connection.empty())
      lacks(name + "has both a map by species and a self connection");
    if (t > 1 && std::string(block_name(x)) != block_name(p_.interactions[1]))
      lacks(name + "is of another kind than interaction 1");
    if (widths_between(x.radial.layers) != widths_between(p_.interactions.front().radial.layers))
      lacks(name + "has a radial network of other sizes than interaction 0");
    if (have_biases(x.radial.layers)) lacks(name + "has biases in its radial network");
    if (x.radial.layers.size() > 1 && x.radial.activation.kind != ActivationKind::silu)
      lacks(name + fmt::format("has {} in its radial network, not silu", activation_name(x.radial.activation.kind)));
  }

  static int most_factors(const Interaction& x) {
    int degree = 1;
    for (const mace::Contraction& contraction : x.contractions) degree = std::max(degree, degree_of(contraction));
    return degree;
  }

  /// What the paths take, where it is not what enters.
  void say_edge_irreps() {
    const Interaction& first = p_.interactions.front();
    const bool in_first = first.edge_input() != first.input;
    const IrrepsList& irreps = (p_.interactions.size() > 1 ? p_.interactions[1] : first).edge_input();
    const bool in_others = std::any_of(p_.interactions.begin() + 1, p_.interactions.end(),
                                       [](const Interaction& x) { return x.edge_input() != x.input; });
    for (std::size_t t = 1; t < p_.interactions.size(); ++t)
      if (p_.interactions[t].edge_input() != irreps) lacks("its interactions have different features at edges");
    if (in_first && first.edge_input() != scalars(equivariant::even_scalars(irreps)))
      lacks(fmt::format("{} at the edges of the first interaction", to_string(first.edge_input())));
    if (!in_first && !in_others) return;
    say("edge_irreps", to_string(irreps));
    say("use_edge_irreps_first", in_first);
  }

  // Edges

  void add_edges() {
    const equivariant::RadialBasis& basis = p_.basis;
    if (basis.cutoff_kind != equivariant::CutoffKind::polynomial) lacks("its cutoff function is XPLOR's");
    say("r_max", basis.cutoff);
    say("num_polynomial_cutoff", basis.cutoff_power);
    say("num_bessel", basis.functions());
    say("max_ell", p_.edge_order);
    state_.add_number("r_max", basis.cutoff);
    state_.add_whole("radial_embedding.cutoff_fn.p", basis.cutoff_power);
    state_.add_number("radial_embedding.cutoff_fn.r_max", basis.cutoff);
    add_basis();
    add_transform();
  }

  void add_basis() {
    const equivariant::RadialBasis& basis = p_.basis;
    const std::string name = "radial_embedding.bessel_fn.";
    if (basis.kind == BasisKind::bessel) {
      say("radial_type", "bessel");
      state_.add(name + "bessel_weights", basis.frequency);
      state_.add_number(name + "r_max", basis.cutoff);
      state_.add_number(name + "prefactor", basis.prefactor);
      return;
    }
    if (!are_near(basis.width * (basis.functions() - 1), basis.cutoff))
      lacks(fmt::format("{} Gaussians are {} Angstrom wide", basis.functions(), basis.width));
    say("radial_type", "gaussian");
    state_.add(name + "gaussian_weights", basis.centre);
  }

  void add_transform() {
    const equivariant::DistanceTransform& transform = p_.basis.transform;
    const std::string name = "radial_embedding.distance_transform.";
    switch (transform.kind) {
      case TransformKind::none: say("distance_transform", "None"); return;
      case TransformKind::agnesi:
        say("distance_transform", "Agnesi");
        state_.add_number(name + "a", transform.a);
        state_.add_number(name + "q", transform.q);
        state_.add_number(name + "p", transform.p);
        break;
      case TransformKind::soft:
        say("distance_transform", "Soft");
        state_.add_number(name + "alpha", transform.steepness);
    }
    const double share = transform.kind == TransformKind::agnesi ? 0.5 : 1;
    state_.add(name + "covalent_radii", radii(p_.pair_length, share, "lengths of its transform"));
  }

  int number_of(std::size_t s) const {
    const int z = atomic_number(p_.species[s]);
    if (z == 0) lacks(fmt::format("{} is no element", p_.species[s]));
    return z;
  }

  /// Of all elements, given share (radius + radius) of the model's pairs of them.
  std::vector<double> radii(const std::vector<double>& sums, double share, const char* what) const {
    const std::size_t S = p_.species.size();
    std::vector<double> result(last_element + 1, radius_of_others);
    for (std::size_t a = 0; a < S; ++a) {
      result[size(number_of(a))] = sums[a * S + a] / (2 * share);
      for (std::size_t b = 0; b < S; ++b)
        if (!are_near(2 * sums[a * S + b], sums[a * S + a] + sums[b * S + b]))
          lacks(fmt::format("the {} are no sums of radii", what));
    }
    return result;
  }

  void add_embedding() {
    say("num_elements", species());
    std::vector<int> numbers;
    for (std::size_t s = 0; s < p_.species.size(); ++s) numbers.push_back(number_of(s));
    say("atomic_numbers", make_pickle_integers(numbers));
    state_.add_wholes("atomic_numbers", {numbers.begin(), numbers.end()});
    add_linear("node_embedding.linear", {scalars(species()), scalars(channels()), {{0, 0, p_.embedding}}, {}});
  }

  // Interactions

  void add_linear(const std::string& name, const EquivariantLinear& map) {
    const e3nn::Layout inputs = as_written(map.inputs), outputs = as_written(map.outputs);
    state_.add(name + ".weight", e3nn::Linear(inputs, outputs).pack(map));
  }

  void add_maps(const std::string& name, const std::vector<EquivariantLinear>& maps, const IrrepsList& from,
                const IrrepsList& to) {
    const e3nn::Layout inputs = as_written(from), outputs = as_written(to);
    state_.add(name + ".weight", e3nn::SpeciesLinear(inputs, outputs, species()).pack(maps));
  }

  void add_interaction(std::size_t t) {
    const Interaction& x = p_.interactions[t];
    const std::string name = fmt::format("interactions.{}.", t);
    add_linear(name + "linear_up", x.mix_input);
    add_e3nn_network(state_, name + "conv_tp_weights", x.radial.layers, x.radial.activation);
    add_messages(name + "linear", x);
    const IrrepsList& outputs = x.mix_by_species.empty() ? x.output : x.message;
    if (x.mix_by_species.empty())
      add_maps(name + "skip_tp", x.self_connection, x.input, outputs);
    else
      add_maps(name + "skip_tp", x.mix_by_species, x.message, outputs);
    if (!x.density.empty())
      add_e3nn_network(state_, name + "density_fn", {Dense{p_.basis.functions(), 1, x.density, {}}}, {});
    add_products(fmt::format("products.{}.", t), x);
  }

  /// The edge's vector points from the neighbour to the centre in mace-torch, so that harmonics of odd order have the
  /// other sign.
  void add_messages(const std::string& name, const Interaction& x) {
    EquivariantLinear map = x.mix_messages;
    const double factor = (x.density.empty() ? denominator_ : 1) / x.denominator;
    for (EquivariantLinear::Part& part : map.parts)
      for (double& weight : part.weight) weight *= x.paths[size(part.input)].edge_order % 2 == 0 ? factor : -factor;
    const e3nn::Layout inputs = e3nn::regrouped(x.messages()), outputs = as_written(x.message);
    state_.add(name + ".weight", e3nn::Linear(inputs, outputs).pack(map));
  }

  void add_products(const std::string& name, const Interaction& x) {
    const int most = most_factors(x);
    for (std::size_t o = 0; o < x.contractions.size(); ++o) {
      std::vector<MaceBasis> bases;
      for (int degree = 1; degree <= most; ++degree)
        bases.push_back(mace_basis(p_.edge_order, degree, x.contractions[o].order));
      add_contraction(fmt::format("{}symmetric_contractions.contractions.{}.", name, o), x.contractions[o], bases);
    }
    add_linear(name + "linear", x.mix_product);
  }

  void add_contraction(const std::string& name, const mace::Contraction& contraction,
                       const std::vector<MaceBasis>& bases) {
    constexpr double largest_residual = 1e-6;
    const MaceWeights weights = mace_weights(contraction, bases, p_.species.size(), channels());
    if (!(weights.residual < largest_residual))
      lacks(fmt::format("{} its products of order {} are none of those that mace-torch makes, by {:.1e}", name,
                        contraction.order, weights.residual));
    const std::size_t degrees = bases.size();
    for (std::size_t d = degrees; d-- > 0;) {
      std::vector<std::int64_t> shape(size(bases[d].degree), bases[d].components);
      if (contraction.order > 0) shape.insert(shape.begin(), 2 * contraction.order + 1);
      shape.push_back(bases[d].paths);
      state_.add(fmt::format("{}U_matrix_{}", name, d + 1), shape, bases[d].matrix);
      state_.add(name + (d + 1 == degrees ? "weights_max" : fmt::format("weights.{}", degrees - 2 - d)),
                 {species(), bases[d].paths, channels()}, weights.of_degree[d]);
    }
  }

  // Energies

  void add_readouts() {
    const std::size_t before = p_.readouts.size();
    const bool last_only = before > 0 && std::all_of(p_.readouts.begin(), p_.readouts.end(),
                                                     [](const auto& readout) { return readout.empty(); });
    say("use_last_readout_only", last_only);
    for (std::size_t t = 0; t < before && !last_only; ++t) {
      std::vector<double> weight = p_.readouts[t];
      weight.resize(size(channels()));  // none is zeros
      add_linear(fmt::format("readouts.{}.linear", t), {scalars(channels()), scalars(1), {{0, 0, weight}}, {}});
    }
    add_last_readout(fmt::format("readouts.{}.", last_only ? 0 : before));
  }

  void add_last_readout(const std::string& name) {
    const std::vector<Dense>& layers = p_.last_readout;
    if (have_biases(layers)) lacks("its last readout has biases");
    if (p_.interactions.size() == 1) {
      if (layers.size() > 1) lacks("one interaction, and a network behind it");
      say("gate", "None");
      say("MLP_irreps", to_string(scalars(1)));
      state_.add(name + "linear.weight", e3nn_layers(layers, {}).front().weight);
      return;
    }
    if (layers.size() > 2) lacks(fmt::format("its last readout has {} layers", layers.size()));
    std::vector<Dense> two = layers;
    if (two.size() == 1) two.push_back({1, 1, {1.0}, {}});
    const bool is_linear = layers.size() == 1 || p_.readout_activation.kind == ActivationKind::identity;
    const equivariant::Activation activation = is_linear ? equivariant::Activation{} : p_.readout_activation;
    if (is_linear && layers.size() == 2)
      for (double& weight : two.back().weight) weight *= p_.readout_activation.scale;
    say_gate(activation);
    say("MLP_irreps", to_string(scalars(two.front().outputs)));
    const std::vector<Dense> stored = e3nn_layers(two, activation);
    state_.add(name + "linear_1.weight", stored[0].weight);
    state_.add(name + "linear_2.weight", stored[1].weight);
  }

  void say_gate(const equivariant::Activation& activation) {
    constexpr ActivationKind known[] = {ActivationKind::abs, ActivationKind::tanh, ActivationKind::silu};
    const bool has_it = std::find(std::begin(known), std::end(known), activation.kind) != std::end(known);
    const bool is_none = activation.kind == ActivationKind::identity;
    if (!has_it && !is_none)
      lacks(fmt::format("{} in its last readout, none of abs, tanh and silu", activation_name(activation.kind)));
    say("gate", is_none ? "None" : activation_name(activation.kind));
  }

  void add_energies() {
    say("atomic_energies", make_pickle_reals(p_.energy_shift));
    say("atomic_inter_scale", p_.energy_scale);
    say("atomic_inter_shift", 0.0);
    say("use_reduced_cg", false);
    state_.add("atomic_energies_fn.atomic_energies", p_.energy_shift);
    state_.add_number("scale_shift.scale", p_.energy_scale);
    state_.add_number("scale_shift.shift", 0);
  }

  /// It is scaled with all the rest.
  void add_repulsion() {
    const equivariant::Zbl& zbl = *p_.zbl;
    for (std::size_t s = 0; s < p_.species.size(); ++s)
      if (zbl.charge[s] != number_of(s)) lacks(fmt::format("the nucleus of {} has another charge", p_.species[s]));
    if (!are_near(zbl.coulomb, zbl_coulomb * p_.energy_scale))
      lacks(
          fmt::format("its repulsion of nuclei has the factor {}, not {}", zbl.coulomb, zbl_coulomb * p_.energy_scale));
    if (!std::equal(std::begin(zbl.decay), std::end(zbl.decay), std::begin(zbl_decays), are_near))
      lacks("its repulsion of nuclei has another screening");
    say("pair_repulsion", true);
    const std::string name = "pair_repulsion_fn.";
    state_.add(name + "c", {std::begin(zbl.coefficient), std::end(zbl.coefficient)});
    state_.add_whole(name + "p", zbl.cutoff_power);
    state_.add(name + "covalent_radii", radii(p_.zbl_cutoff, 1, "cutoffs of its repulsion"));
    state_.add_number(name + "a_exp", zbl.exponent);
    state_.add_number(name + "a_prefactor", zbl.length / zbl_length);
  }

  const Parameters& p_;
  DType dtype_;
  double denominator_ = 1;  ///< avg_num_neighbors
  std::vector<std::pair<std::string, PickleValue>> sizes_;
  TorchState state_;
};

}  // namespace

PickleValue export_mace(const Parameters& parameters, DType dtype) {
  mace::check(parameters);
  return MaceWriter(parameters, dtype).run();
}

}  // namespace grapevine
