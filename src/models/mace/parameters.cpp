#include "models/mace/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "support/error.hpp"

namespace grapevine::mace {
namespace {

using equivariant::check_values;

constexpr int max_message_order = 3;

std::size_t as_size(int index) { return static_cast<std::size_t>(index); }

int natural_parity(int order) { return order % 2 == 0 ? 1 : -1; }

auto rank_of(const Contraction::Term& term) { return std::tie(term.component, term.factors, term.path); }

/// Products of components that have a coefficient of their own for each channel and species.
std::size_t monomials(const Contraction& contraction) {
  std::set<std::pair<int, std::array<int, max_degree>>> seen;
  for (const Contraction::Term& term : contraction.terms) seen.emplace(term.component, term.factors);
  return seen.size();
}

/// Collects what check() finds wrong.
class Checker {
 public:
  explicit Checker(const Parameters& p) : p_(p) {}

  void run() const {
    if (p_.species.empty()) fail("it has no species");
    check_edges();
    if (p_.interactions.empty()) fail("it has no interactions");
    const IrrepsList& first = p_.interactions.front().input;
    for (const Irreps& irreps : first)
      if (!irreps.is_even_scalar()) fail("the first features are not all even scalars");
    check_values("embedding", p_.embedding, p_.species.size() * as_size(channels(first)));
    for (std::size_t t = 0; t < p_.interactions.size(); ++t) check_interaction(t);
    check_readouts();
    check_energies();
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw Error(what); }

  void check_of_pairs(const std::string& name, const std::vector<double>& values) const {
    const std::size_t S = p_.species.size();
    check_values(name, values, S * S);
    for (std::size_t a = 0; a < S; ++a)
      for (std::size_t b = 0; b < S; ++b)
        if (!(values[a * S + b] > 0) || values[a * S + b] != values[b * S + a])
          fail(fmt::format("{} of {} and {} makes no sense", name, p_.species[a], p_.species[b]));
  }

  void check_edges() const {
    check_basis(p_.basis);
    if (p_.edge_order < 0 || p_.edge_order > max_message_order)
      fail(fmt::format("spherical harmonics of order {}; at most {} are supported", p_.edge_order, max_message_order));
    const bool transformed = p_.basis.transform.kind != equivariant::TransformKind::none;
    if (!transformed && !p_.pair_length.empty()) fail("lengths of pairs, but no transform of the distance");
    if (transformed) check_of_pairs("length of the transform", p_.pair_length);
  }

  static void check_natural(const std::string& name, const IrrepsList& list) {
    check_irreps(name, list);
    for (const Irreps& irreps : list)
      if (irreps.parity != natural_parity(irreps.order))
        fail(fmt::format("{}: {}; expected even parity for even orders and odd parity for odd ones", name,
                         to_string(list)));
  }

  static void check_map(const std::string& name, const EquivariantLinear& linear, const IrrepsList& inputs,
                        const IrrepsList& outputs) {
    check_linear(name, linear, inputs, outputs);
    if (!linear.bias.empty()) fail(name + ": it has a bias");
  }

  void check_maps(const std::string& name, const std::vector<EquivariantLinear>& maps, const IrrepsList& inputs,
                  const IrrepsList& outputs) const {
    if (maps.empty()) return;
    if (maps.size() != p_.species.size())
      fail(fmt::format("{}: {} maps for {} species", name, maps.size(), p_.species.size()));
    for (const EquivariantLinear& linear : maps) check_map(name, linear, inputs, outputs);
  }

  static void check_message(const std::string& name, const IrrepsList& message) {
    check_natural(name, message);
    for (std::size_t l = 0; l < message.size(); ++l)
      if (message[l].order != static_cast<int>(l) || message[l].order > max_message_order ||
          message[l].channels != message.front().channels)
        fail(fmt::format("{}: {}; expected orders 0, 1, ... up to at most {} of as many channels each", name,
                         to_string(message), max_message_order));
  }

  static void check_output(const std::string& name, const Interaction& x) {
    check_natural(name, x.output);
    for (std::size_t o = 0; o < x.output.size(); ++o)
      if (x.output[o].channels != x.message.front().channels || (o > 0 && x.output[o].order <= x.output[o - 1].order))
        fail(fmt::format("{}: {}; expected rising orders of {} channels each", name, to_string(x.output),
                         x.message.front().channels));
  }

  void check_interaction(std::size_t t) const {
    const Interaction& x = p_.interactions[t];
    const std::string name = fmt::format("interaction {}", t);
    if (t > 0 && x.input != p_.interactions[t - 1].output) fail(name + " does not take what the one before gives");
    check_natural(name + ": features", x.input);
    check_natural(name + ": features at edges", x.edge_input());
    check_map(name + ": mixing of the input", x.mix_input, x.input, x.edge_input());
    check_paths(name, x.edge_input(), x.paths, p_.edge_order, true);
    if (!(std::abs(x.denominator) > 0) || !std::isfinite(x.denominator))
      fail(fmt::format("{}: a denominator of {} makes no sense", name, x.denominator));
    check_network(name + ": radial network", x.radial.layers, p_.basis.functions(), channels(x.messages()));
    check_activation(name, x.radial.activation);
    if (!x.density.empty()) check_values(name + ": density", x.density, as_size(p_.basis.functions()));
    check_message(name + ": message", x.message);
    check_map(name + ": mixing of the messages", x.mix_messages, x.messages(), x.message);
    check_maps(name + ": mixing by species", x.mix_by_species, x.message, x.message);
    check_output(name + ": features after it", x);
    check_contractions(name, x);
    check_map(name + ": mixing of the products", x.mix_product, x.output, x.output);
    check_maps(name + ": self connection", x.self_connection, x.input, x.output);
    check_features(name, x);
  }

  void check_contractions(const std::string& name, const Interaction& x) const {
    if (x.contractions.size() != x.output.size())
      fail(fmt::format("{}: {} contractions for {}", name, x.contractions.size(), to_string(x.output)));
    for (std::size_t o = 0; o < x.output.size(); ++o) {
      const std::string part = fmt::format("{}: contraction {}", name, o);
      const Contraction& contraction = x.contractions[o];
      if (contraction.order != x.output[o].order) fail(fmt::format("{}: it is of order {}", part, contraction.order));
      if (contraction.paths < 1) fail(part + ": it has no paths");
      check_values(part + ": weights", contraction.weight,
                   p_.species.size() * as_size(contraction.paths) * as_size(x.message.front().channels));
      check_terms(part, contraction, numbers(x.message) / x.message.front().channels);
      check_size(part, contraction);
    }
  }

  static void check_terms(const std::string& name, const Contraction& contraction, int components) {
    const Contraction::Term* before = nullptr;
    for (const Contraction::Term& term : contraction.terms) {
      const auto& f = term.factors;
      const bool in_range = term.component >= 0 && term.component <= 2 * contraction.order && term.path >= 0 &&
                            term.path < contraction.paths && f.front() >= -1 && f.back() >= 0 &&
                            f.back() < components && std::is_sorted(f.begin(), f.end());
      if (!in_range || !std::isfinite(term.value)) fail(name + ": a term makes no sense");
      if (before && !(rank_of(*before) < rank_of(term))) fail(name + ": its terms are not sorted, or two are alike");
      before = &term;
    }
  }

  /// Terms are few numbers, but become one coefficient for each channel and species.
  void check_size(const std::string& name, const Contraction& contraction) const {
    constexpr std::size_t free_coefficients = std::size_t{1} << 22;
    constexpr std::size_t coefficients_per_weight = 128;
    const std::size_t columns = contraction.weight.size() / as_size(contraction.paths);
    if (monomials(contraction) * columns > free_coefficients + coefficients_per_weight * contraction.weight.size())
      fail(
          fmt::format("{}: {} terms are far too many for {} paths", name, contraction.terms.size(), contraction.paths));
  }

  /// What nothing is mixed into takes no numbers in a file, but memory for every atom.
  void check_features(const std::string& name, const Interaction& x) const {
    constexpr std::size_t free_features = std::size_t{1} << 16;
    constexpr std::size_t parameters_per_feature = 4;
    const std::size_t features =
        as_size(numbers(x.edge_input())) + as_size(numbers(x.message)) + as_size(numbers(x.output));
    if (features > free_features + p_.count() / parameters_per_feature)
      fail(fmt::format("{}: {} features are far too many for {} parameters", name, features, p_.count()));
  }

  void check_readouts() const {
    const std::size_t last = p_.interactions.size() - 1;
    if (p_.readouts.size() != last)
      fail(fmt::format("it has {} readouts before the last of {} interactions", p_.readouts.size(), last + 1));
    for (std::size_t t = 0; t < last; ++t)
      if (!p_.readouts[t].empty())
        check_values(fmt::format("readout {}", t), p_.readouts[t], as_size(even_scalars(p_.interactions[t].output)));
    const int width = even_scalars(p_.interactions.back().output);
    if (width == 0 || p_.last_readout.empty()) fail("it has nothing to read an energy from");
    check_network("last readout", p_.last_readout, width, 1);
    check_activation("last readout", p_.readout_activation);
  }

  void check_energies() const {
    if (!std::isfinite(p_.energy_scale)) fail("energy scale: a number is not finite");
    check_values("energy shift", p_.energy_shift, p_.species.size());
    if (!p_.zbl && !p_.zbl_cutoff.empty()) fail("cutoffs of the repulsion of nuclei, but no repulsion");
    if (!p_.zbl) return;
    check_zbl(*p_.zbl, p_.species.size());
    check_of_pairs("cutoff of the repulsion", p_.zbl_cutoff);
  }

  const Parameters& p_;
};

std::size_t count_of(const std::vector<Dense>& layers) {
  std::size_t sum = 0;
  for (const Dense& dense : layers) sum += dense.count();
  return sum;
}

std::size_t count_of(const std::vector<EquivariantLinear>& maps) {
  std::size_t sum = 0;
  for (const EquivariantLinear& linear : maps) sum += linear.count();
  return sum;
}

std::size_t count_of(const Interaction& x) {
  std::size_t sum = x.mix_input.count() + count_of(x.radial.layers) + x.density.size() + x.mix_messages.count() +
                    count_of(x.mix_by_species) + x.mix_product.count() + count_of(x.self_connection);
  for (const Contraction& contraction : x.contractions) sum += contraction.weight.size();
  return sum;
}

}  // namespace

IrrepsList Interaction::messages() const { return equivariant::messages(edge_input(), paths); }

std::size_t Parameters::count() const {
  std::size_t sum = basis.frequency.size() + basis.centre.size() + pair_length.size() + embedding.size() +
                    count_of(last_readout) + energy_shift.size() + zbl_cutoff.size();
  for (const Interaction& x : interactions) sum += count_of(x);
  for (const std::vector<double>& readout : readouts) sum += readout.size();
  if (zbl) sum += zbl->charge.size();
  return sum;
}

void check(const Parameters& parameters) { Checker(parameters).run(); }

RadialWeights radial_weights(const Parameters& parameters, std::size_t t, std::size_t centre, std::size_t neighbour) {
  const Interaction& x = parameters.interactions[t];
  RadialWeights weights;
  weights.basis = parameters.basis;
  if (!parameters.pair_length.empty())
    weights.basis.transform.length = parameters.pair_length[centre * parameters.species.size() + neighbour];
  weights.network = x.radial;
  weights.denominator = x.denominator;
  weights.density = x.density;
  for (const Path& path : x.paths) weights.channels.push_back(x.edge_input()[as_size(path.input)].channels);
  weights.power.assign(x.paths.size(), 0);
  return weights;
}

}  // namespace grapevine::mace
