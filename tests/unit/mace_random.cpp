#include "mace_random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numbers>
#include <tuple>
#include <utility>

#include "equivariant_reference.hpp"

namespace grapevine::test {

namespace {

using equivariant::ActivationKind;
using equivariant::IrrepsList;
using equivariant::Path;
using mace::Contraction;
using mace::Interaction;

/// Irreps of orders 0 to `order` of natural parity.
IrrepsList natural_irreps(int channels, int order) {
  IrrepsList list;
  for (int l = 0; l <= order; ++l) list.push_back({channels, l, l % 2 == 0 ? 1 : -1});
  return list;
}

/// Products of components of A that make irreps of one order and parity, [components]: a sum of coefficients times
/// products of factors.
struct Polynomial {
  int order = 0;
  int parity = 1;
  int last = 0;  ///< order of the last factor
  std::vector<std::map<std::vector<int>, double>> components;
};

Polynomial harmonics_of_message(int l) {
  Polynomial p{l, l % 2 == 0 ? 1 : -1, l, {}};
  for (int m = 0; m <= 2 * l; ++m) p.components.push_back({{{l * l + m}, 1.0}});
  return p;
}

Polynomial coupled(const Polynomial& a, const Polynomial& b, int order) {
  Polynomial p{order, a.parity * b.parity, b.last, {}};
  p.components.resize(static_cast<std::size_t>(2 * order + 1));
  for (int m3 = 0; m3 <= 2 * order; ++m3)
    for (int m1 = 0; m1 <= 2 * a.order; ++m1)
      for (int m2 = 0; m2 <= 2 * b.order; ++m2) {
        const double w = wigner_3j(a.order, b.order, order, m1, m2, m3);
        if (w == 0) continue;
        for (const auto& [first, value] : a.components[m1])
          for (const auto& [second, other] : b.components[m2]) {
            std::vector<int> factors = first;
            factors.insert(factors.end(), second.begin(), second.end());
            std::sort(factors.begin(), factors.end());
            p.components[m3][factors] += w * std::sqrt(2 * order + 1) * value * other;
          }
      }
  return p;
}

/// All products of `degree` factors of ascending orders.
std::vector<Polynomial> products(int degree, int message_order) {
  std::vector<Polynomial> all;
  for (int l = 0; l <= message_order; ++l) {
    const Polynomial factor = harmonics_of_message(l);
    if (degree == 1) {
      all.push_back(factor);
      continue;
    }
    for (const Polynomial& p : products(degree - 1, message_order))
      for (int order = std::abs(p.order - l); l >= p.last && order <= std::min(p.order + l, equivariant::max_order);
           ++order)
        all.push_back(coupled(p, factor, order));
  }
  return all;
}

void add_path(const Polynomial& p, Contraction& contraction) {
  bool used = false;
  for (int m = 0; m <= 2 * p.order; ++m)
    for (const auto& [factors, value] : p.components[m]) {
      if (std::abs(value) < 1e-12) continue;
      Contraction::Term term{m, contraction.paths, {}, value};
      term.factors.fill(-1);
      std::copy(factors.begin(), factors.end(), term.factors.end() - static_cast<std::ptrdiff_t>(factors.size()));
      contraction.terms.push_back(term);
      used = true;
    }
  if (used) ++contraction.paths;
}

Contraction random_contraction(const MaceSizes& sizes, int order, Random& random) {
  Contraction contraction;
  contraction.order = order;
  for (int degree = 1; degree <= sizes.degree; ++degree)
    for (const Polynomial& p : products(degree, sizes.message_order))
      if (p.order == order && p.parity == (order % 2 == 0 ? 1 : -1)) add_path(p, contraction);
  std::sort(contraction.terms.begin(), contraction.terms.end(), [](const auto& a, const auto& b) {
    return std::tie(a.component, a.factors, a.path) < std::tie(b.component, b.factors, b.path);
  });
  const int species = static_cast<int>(sizes.species.size());
  contraction.weight = random.normal(species * contraction.paths * sizes.channels, 0.5 / std::sqrt(contraction.paths));
  return contraction;
}

std::vector<Path> make_paths(const MaceSizes& sizes, const IrrepsList& input) {
  std::vector<Path> paths;
  for (std::size_t i = 0; i < input.size(); ++i)
    for (int l = 0; l <= sizes.edge_order; ++l)
      for (int order = std::abs(input[i].order - l); order <= std::min(input[i].order + l, sizes.message_order);
           ++order)
        if ((input[i].order + l + order) % 2 == 0)
          paths.push_back({static_cast<int>(i), l, order, order % 2 == 0 ? 1 : -1});
  std::stable_sort(paths.begin(), paths.end(), [](const Path& a, const Path& b) { return a.order < b.order; });
  return paths;
}

Interaction random_interaction(const MaceSizes& sizes, const IrrepsList& input, int order, Random& random) {
  const std::size_t species = sizes.species.size();
  Interaction x;
  x.input = input;
  IrrepsList edge_input = input;
  for (equivariant::Irreps& irreps : edge_input)
    if (sizes.edge_channels > 0) irreps.channels = sizes.edge_channels;
  x.mix_input = random_linear(input, edge_input, 1, false, random);
  x.paths = make_paths(sizes, edge_input);
  x.radial.layers = random_layers(sizes.basis, sizes.radial_widths, equivariant::channels(x.messages()), false, random);
  x.radial.activation = scaled_activation(ActivationKind::silu);
  x.denominator = random(4.0, 6.0);
  if (sizes.density) x.density = random.normal(sizes.basis, 0.7);
  x.message = natural_irreps(sizes.channels, sizes.message_order);
  x.mix_messages = random_linear(x.messages(), x.message, 1, false, random);
  for (std::size_t s = 0; sizes.mix_by_species && s < species; ++s)
    x.mix_by_species.push_back(random_linear(x.message, x.message, 1, false, random));
  x.output = natural_irreps(sizes.channels, order);
  for (int l = 0; l <= order; ++l) x.contractions.push_back(random_contraction(sizes, l, random));
  x.mix_product = random_linear(x.output, x.output, 1, false, random);
  for (std::size_t s = 0; sizes.self_connection && s < species; ++s)
    x.self_connection.push_back(random_linear(input, x.output, 0.7, false, random));
  return x;
}

/// A number for each pair, whichever comes first.
std::vector<double> random_of_pairs(std::size_t species, double low, double high, Random& random) {
  std::vector<double> values(species * species);
  for (std::size_t i = 0; i < species; ++i)
    for (std::size_t j = 0; j <= i; ++j) values[i * species + j] = values[j * species + i] = random(low, high);
  return values;
}

equivariant::RadialBasis random_basis(const MaceSizes& sizes, Random& random) {
  equivariant::RadialBasis basis;
  basis.kind = sizes.basis_kind;
  basis.cutoff = sizes.cutoff;
  basis.cutoff_power = sizes.cutoff_power;
  basis.transform.kind = sizes.transform;
  for (int n = 1; n <= sizes.basis; ++n) {
    if (basis.kind == equivariant::BasisKind::bessel)
      basis.frequency.push_back((n + random(-0.05, 0.05)) * std::numbers::pi / sizes.cutoff);
    else
      basis.centre.push_back((n - 1) * sizes.cutoff / (sizes.basis - 1));
  }
  basis.prefactor = 4 / sizes.cutoff;
  basis.width = sizes.cutoff / (sizes.basis - 1);
  return basis;
}

}  // namespace

mace::Parameters random_parameters(const MaceSizes& sizes, unsigned seed) {
  Random random(seed);
  mace::Parameters p;
  const std::size_t species = sizes.species.size();
  p.species = sizes.species;
  p.basis = random_basis(sizes, random);
  if (sizes.transform != equivariant::TransformKind::none) p.pair_length = random_of_pairs(species, 0.7, 2.0, random);
  p.edge_order = sizes.edge_order;
  IrrepsList features = natural_irreps(sizes.embedding_channels > 0 ? sizes.embedding_channels : sizes.channels, 0);
  p.embedding = random.normal(static_cast<int>(species) * equivariant::channels(features), 1);
  for (const int order : sizes.orders) {
    p.interactions.push_back(random_interaction(sizes, features, order, random));
    features = p.interactions.back().output;
  }
  for (std::size_t t = 0; t + 1 < sizes.orders.size(); ++t)
    p.readouts.push_back(sizes.early_readouts ? random.normal(sizes.channels, 1 / std::sqrt(sizes.channels))
                                              : std::vector<double>());
  p.last_readout = random_layers(sizes.channels, sizes.readout_widths, 1, sizes.biases, random);
  p.readout_activation = scaled_activation(ActivationKind::silu);
  p.energy_scale = random(0.7, 1.5);
  p.energy_shift = random(static_cast<int>(species), -3.0, -2.0);
  if (sizes.zbl) {
    p.zbl = random_zbl(static_cast<int>(species), random);
    p.zbl_cutoff = random_of_pairs(species, 1.8, 1.2 * sizes.cutoff, random);
  }
  mace::check(p);
  return p;
}

}  // namespace grapevine::test
