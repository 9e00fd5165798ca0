#include "models/nequip/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "support/error.hpp"

namespace grapevine::nequip {
namespace {

std::size_t product(std::size_t a, int b) { return a * static_cast<std::size_t>(b); }

/// Of the map of a species among those of an interaction, which are not summed.
std::size_t place_of_self_connection(const Interaction& interaction, std::size_t species) {
  return interaction.self_connection.size() == 1 ? 0 : species;
}

bool have_same_parts(const EquivariantLinear& a, const EquivariantLinear& b) {
  const auto same = [](const EquivariantLinear::Part& x, const EquivariantLinear::Part& y) {
    return x.input == y.input && x.output == y.output;
  };
  return a.bias.size() == b.bias.size() &&
         std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), same);
}

/// Collects what check() finds wrong.
class Checker {
 public:
  explicit Checker(const Parameters& p) : p_(p) {}

  void run() const {
    const std::size_t S = p_.species.size();
    if (S == 0) fail("it has no species");
    check_edges();
    if (p_.interactions.empty()) fail("it has no interactions");
    const IrrepsList& first = p_.interactions.front().input;
    for (const Irreps& irreps : first)
      if (!irreps.is_even_scalar()) fail("the first features are not all even scalars");
    equivariant::check_values("embedding", p_.embedding, product(S, channels(first)));
    if (!p_.neighbour_scale.empty()) equivariant::check_values("scale of neighbours", p_.neighbour_scale, S);
    for (std::size_t t = 0; t < p_.interactions.size(); ++t) {
      const Interaction& x = p_.interactions[t];
      const std::string name = fmt::format("interaction {}", t);
      if (t > 0 && x.input != p_.interactions[t - 1].gate.outputs())
        fail(name + " does not take what the one before gives");
      check_interaction(name, x);
      check_features(name, x);
    }
    check_readout();
    equivariant::check_values("energy scale", p_.energy_scale, S);
    equivariant::check_values("energy shift", p_.energy_shift, S);
    if (p_.zbl) check_zbl(*p_.zbl, S);
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw Error(what); }

  void check_edges() const {
    check_basis(p_.basis);
    if (p_.edge_order < 0 || p_.edge_order > equivariant::max_order)
      fail(fmt::format("spherical harmonics of order {}; at most {} are supported", p_.edge_order,
                       equivariant::max_order));
    if (p_.pair_cutoff.empty()) return;
    equivariant::check_values("cutoffs of pairs", p_.pair_cutoff, p_.species.size() * p_.species.size());
    for (const double cutoff : p_.pair_cutoff)
      if (!(cutoff > 0) || cutoff > p_.cutoff())
        fail(fmt::format("a pair's cutoff of {} Angstrom is not between 0 and that of the model, {}", cutoff,
                         p_.cutoff()));
    if (!p_.normalised_harmonics) fail("cutoffs of pairs go with normalised harmonics only");
    for (const Interaction& x : p_.interactions)
      for (const Dense& dense : x.radial.layers)
        if (!dense.bias.empty()) fail("cutoffs of pairs go with radial networks without biases only");
  }

  void check_self_connection(const std::string& name, const Interaction& x) const {
    std::size_t wanted = 0;
    switch (x.self_connection_kind) {
      case SelfConnectionKind::none: break;
      case SelfConnectionKind::shared: wanted = 1; break;
      case SelfConnectionKind::per_species: wanted = p_.species.size(); break;
      case SelfConnectionKind::per_embedding:
        wanted = static_cast<std::size_t>(channels(p_.interactions.front().input));
    }
    if (x.self_connection.size() != wanted)
      fail(fmt::format("{}: it has {} self connections instead of {}", name, x.self_connection.size(), wanted));
    for (const EquivariantLinear& linear : x.self_connection) {
      check_linear(name + ": self connection", linear, x.input, x.gate.inputs());
      if (x.self_connection_kind == SelfConnectionKind::per_embedding &&
          !have_same_parts(linear, x.self_connection.front()))
        fail(name + ": self connections that are summed mix different irreps");
    }
  }

  void check_interaction(const std::string& name, const Interaction& x) const {
    check_irreps(name + ": features", x.input);
    check_gate(name, x.gate);
    check_linear(name + ": mixing of the input", x.mix_input, x.input, x.input);
    check_paths(name, x.input, x.paths, p_.edge_order, p_.odd_harmonics);
    if (!(std::abs(x.denominator) > 0) || !std::isfinite(x.denominator))
      fail(fmt::format("{}: a denominator of {} makes no sense", name, x.denominator));
    check_network(name + ": radial network", x.radial.layers, p_.basis.functions(), channels(x.messages()));
    check_activation(name, x.radial.activation);
    check_linear(name + ": mixing of the messages", x.mix_messages, x.messages(), x.gate.inputs());
    check_self_connection(name, x);
    if (x.norm) check_norm(name, *x.norm, x.gate.inputs());
  }

  /// What nothing is mixed into takes no numbers in a file, but memory for every atom.
  void check_features(const std::string& name, const Interaction& x) const {
    constexpr std::size_t free_features = std::size_t{1} << 16;
    constexpr std::size_t parameters_per_feature = 4;
    const auto features = static_cast<std::size_t>(numbers(x.gate.inputs()));
    if (features > free_features + p_.count() / parameters_per_feature)
      fail(fmt::format("{}: {} features are far too many for {} parameters", name, features, p_.count()));
  }

  void check_readout() const {
    const int width = even_scalars(p_.interactions.back().gate.outputs());
    if (width == 0 || p_.readout.empty()) fail("it has nothing to read an energy from");
    check_network("readout", p_.readout, width, 1);
    check_activation("readout", p_.readout_activation);
  }

  const Parameters& p_;
};

std::size_t count_of(const std::vector<Dense>& layers) {
  std::size_t sum = 0;
  for (const Dense& dense : layers) sum += dense.count();
  return sum;
}

std::size_t count_of(const Interaction& x) {
  std::size_t sum = x.mix_input.count() + x.mix_messages.count() + count_of(x.radial.layers);
  for (const EquivariantLinear& linear : x.self_connection) sum += linear.count();
  if (x.norm) sum += x.norm->share.size() + x.norm->weight.size();
  return sum;
}

}  // namespace

IrrepsList Interaction::messages() const { return equivariant::messages(input, paths); }

std::size_t Parameters::count() const {
  std::size_t sum = basis.frequency.size() + pair_cutoff.size() + embedding.size() + neighbour_scale.size() +
                    energy_scale.size() + energy_shift.size() + count_of(readout);
  for (const Interaction& x : interactions) sum += count_of(x);
  if (zbl) sum += zbl->charge.size();
  return sum;
}

void check(const Parameters& parameters) { Checker(parameters).run(); }

EquivariantLinear self_connection_of(const Parameters& parameters, const Interaction& interaction,
                                     std::size_t species) {
  if (interaction.self_connection_kind != SelfConnectionKind::per_embedding)
    return interaction.self_connection[place_of_self_connection(interaction, species)];
  const std::size_t width = interaction.self_connection.size();
  return weighted_sum(interaction.self_connection, parameters.embedding.data() + species * width);
}

void add_gradient_of_self_connection_of(const Parameters& parameters, std::size_t t, std::size_t species,
                                        const EquivariantLinear& d_linear, Parameters& gradient) {
  const Interaction& interaction = parameters.interactions[t];
  std::vector<EquivariantLinear>& d_maps = gradient.interactions[t].self_connection;
  if (interaction.self_connection_kind != SelfConnectionKind::per_embedding) {
    equivariant::add_scaled(1, d_linear, d_maps[place_of_self_connection(interaction, species)]);
    return;
  }
  const std::size_t first = species * interaction.self_connection.size();
  equivariant::add_gradient_of_weighted_sum(interaction.self_connection, parameters.embedding.data() + first, d_linear,
                                            d_maps, gradient.embedding.data() + first);
}

std::vector<double> distance_stretch(const Parameters& parameters) {
  std::vector<double> stretch;
  for (const double cutoff : parameters.pair_cutoff) stretch.push_back(parameters.cutoff() / cutoff);
  return stretch;
}

std::vector<RadialWeights> radial_weights(const Parameters& parameters) {
  std::vector<RadialWeights> all;
  for (const Interaction& x : parameters.interactions) {
    RadialWeights& weights = all.emplace_back(RadialWeights{parameters.basis, x.radial, {}, {}, x.denominator, {}});
    for (const Path& path : x.paths) {
      weights.channels.push_back(x.input[static_cast<std::size_t>(path.input)].channels);
      weights.power.push_back(parameters.normalised_harmonics ? 0 : path.edge_order);
    }
  }
  return all;
}

}  // namespace grapevine::nequip
