#include "mace_reference.hpp"

#include <cmath>

namespace grapevine::test {

namespace {

using namespace reference;  // NOLINT(google-build-using-namespace): what this is put together from
using mace::Parameters;

double pair_value(const std::vector<double>& of_pairs, const Parameters& p, int centre, int neighbour) {
  return of_pairs[at(centre, static_cast<int>(p.species.size()), neighbour)];
}

double transformed(const Parameters& p, int centre, int neighbour, double r) {
  const equivariant::DistanceTransform& t = p.basis.transform;
  if (t.kind == equivariant::TransformKind::none) return r;
  const double r0 = pair_value(p.pair_length, p, centre, neighbour);
  if (t.kind == equivariant::TransformKind::agnesi) {
    const double x = r / r0;
    return 1 / (1 + t.a * std::pow(x, t.q) / (1 + std::pow(x, t.q - t.p)));
  }
  const double start = 0.75 * r0;
  const double end = 4.0 / 3.0 * r0;
  return start + (r - start) / 2 * (1 + std::tanh(t.steepness / (end - start) * (r - (start + end) / 2)));
}

Vector radial_basis(const Parameters& p, int centre, int neighbour, double r) {
  const double x = transformed(p, centre, neighbour, r);
  Vector basis;
  if (p.basis.kind == equivariant::BasisKind::gaussian)
    for (const double from : p.basis.centre) basis.push_back(std::exp(-std::pow((x - from) / p.basis.width, 2) / 2));
  else
    for (const double frequency : p.basis.frequency) basis.push_back(p.basis.prefactor * std::sin(frequency * x) / x);
  for (double& value : basis) value *= cutoff_factor(p.basis, r);
  return basis;
}

double density(const mace::Interaction& interaction, const Vector& basis) {
  double sum = 0;
  for (std::size_t n = 0; n < interaction.density.size(); ++n) sum += interaction.density[n] * basis[n];
  return std::tanh(sum * sum);
}

/// A_i of all atoms.
std::vector<Features> messages_of(const Parameters& p, const mace::Interaction& interaction,
                                  const std::vector<Edge>& edges, const std::vector<int>& species,
                                  const std::vector<Features>& x) {
  const std::size_t atoms = x.size();
  std::vector<Features> y(atoms, zeros(interaction.edge_input()));
  for (std::size_t j = 0; j < atoms; ++j) add_linear(interaction.mix_input, x[j], y[j]);
  std::vector<Features> sums(atoms, zeros(interaction.messages()));
  Vector n(atoms, 1.0);
  for (const Edge& edge : edges) {
    std::vector<Vector> harmonics;
    for (int l = 0; l <= p.edge_order; ++l)
      harmonics.push_back(real_harmonics(l, {edge.d[0] / edge.r, edge.d[1] / edge.r, edge.d[2] / edge.r}));
    const Vector basis = radial_basis(p, species[edge.i], species[edge.j], edge.r);
    Vector weights = pass_through(interaction.radial.layers, interaction.radial.activation, basis);
    for (double& weight : weights) weight /= interaction.denominator;
    add_message(interaction.edge_input(), interaction.paths, weights, harmonics, y[edge.j], sums[edge.i]);
    n[edge.i] += density(interaction, basis);
  }
  std::vector<Features> a;
  for (std::size_t i = 0; i < atoms; ++i) {
    Features mixed = zeros(interaction.message);
    add_linear(interaction.mix_messages, sums[i], mixed);
    if (!interaction.mix_by_species.empty()) {
      Features again = zeros(interaction.message);
      add_linear(interaction.mix_by_species[species[i]], mixed, again);
      mixed = again;
    }
    for (Vector& block : mixed)
      for (double& value : block) value /= n[i];
    a.push_back(mixed);
  }
  return a;
}

Vector component(const Features& a, int place, int channels) {
  const int l = static_cast<int>(std::sqrt(place + 0.5));
  Vector values;
  for (int c = 0; c < channels; ++c) values.push_back(a[l][at(c, 2 * l + 1, place - l * l)]);
  return values;
}

Vector contract(const mace::Contraction& contraction, int species, const Features& a, int channels) {
  const int components = 2 * contraction.order + 1;
  Vector b(at(channels, components, 0), 0.0);
  for (const mace::Contraction::Term& term : contraction.terms) {
    Vector product(static_cast<std::size_t>(channels), term.value);
    for (const int factor : term.factors) {
      if (factor < 0) continue;
      const Vector values = component(a, factor, channels);
      for (int c = 0; c < channels; ++c) product[c] *= values[c];
    }
    for (int c = 0; c < channels; ++c)
      b[at(c, components, term.component)] +=
          contraction.weight[at(static_cast<int>(at(species, contraction.paths, term.path)), channels, c)] * product[c];
  }
  return b;
}

std::vector<Features> interact(const Parameters& p, const mace::Interaction& interaction,
                               const std::vector<Edge>& edges, const std::vector<int>& species,
                               const std::vector<Features>& x) {
  const std::vector<Features> a = messages_of(p, interaction, edges, species, x);
  std::vector<Features> result;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Features b;
    for (const mace::Contraction& contraction : interaction.contractions)
      b.push_back(contract(contraction, species[i], a[i], interaction.message.front().channels));
    Features next = zeros(interaction.output);
    add_linear(interaction.mix_product, b, next);
    if (!interaction.self_connection.empty()) add_linear(interaction.self_connection[species[i]], x[i], next);
    result.push_back(next);
  }
  return result;
}

double readout(const Parameters& p, std::size_t t, const Features& x) {
  const Vector scalars = even_scalars(p.interactions[t].output, x);
  if (t + 1 == p.interactions.size()) return pass_through(p.last_readout, p.readout_activation, scalars)[0];
  double sum = 0;
  for (std::size_t c = 0; c < p.readouts[t].size(); ++c) sum += p.readouts[t][c] * scalars[c];
  return sum;
}

}  // namespace

std::vector<double> reference_energies(const Parameters& parameters, const Frame& frame) {
  const std::vector<int> species = species_of(parameters.species, frame);
  const std::vector<Edge> edges = edges_of(frame, parameters.cutoff());
  std::vector<Features> x;
  for (const int s : species) x.push_back(embed(parameters.interactions.front().input, parameters.embedding, s));
  Vector energies(x.size(), 0.0);
  for (std::size_t t = 0; t < parameters.interactions.size(); ++t) {
    x = interact(parameters, parameters.interactions[t], edges, species, x);
    for (std::size_t i = 0; i < x.size(); ++i) energies[i] += readout(parameters, t, x[i]);
  }
  for (std::size_t i = 0; i < x.size(); ++i)
    energies[i] = parameters.energy_scale * energies[i] + parameters.energy_shift[species[i]];
  if (parameters.zbl)
    for (const Edge& edge : edges) {
      const int centre = species[edge.i];
      const int neighbour = species[edge.j];
      energies[edge.i] += repulsion(*parameters.zbl, centre, neighbour, edge.r,
                                    edge.r / pair_value(parameters.zbl_cutoff, parameters, centre, neighbour));
    }
  return energies;
}

double reference_energy(const Parameters& parameters, const Frame& frame) {
  double sum = 0;
  for (const double energy : reference_energies(parameters, frame)) sum += energy;
  return sum;
}

double reference_force(const Parameters& parameters, const Frame& frame, int coordinate, double step) {
  return force_by_differences([&](const Frame& at) { return reference_energy(parameters, at); }, frame, coordinate,
                              step);
}

double reference_virial(const Parameters& parameters, const Frame& frame, int a, int b, double step) {
  return virial_by_differences([&](const Frame& at) { return reference_energy(parameters, at); }, frame, a, b, step);
}

}  // namespace grapevine::test
