#include "nequip_reference.hpp"

#include <cmath>

namespace grapevine::test {

namespace {

using namespace reference;  // NOLINT(google-build-using-namespace): what this is put together from
using equivariant::IrrepsList;
using nequip::Parameters;
using Point = std::array<double, 3>;

// As the radial functions see it.
double stretched(const Parameters& p, const std::vector<int>& species, const Edge& edge) {
  if (p.pair_cutoff.empty()) return edge.r;
  return edge.r * p.basis.cutoff /
         p.pair_cutoff[at(species[edge.i], static_cast<int>(p.species.size()), species[edge.j])];
}

void normalise(const equivariant::RmsNorm& norm, const IrrepsList& list, Features& x) {
  double sum = norm.epsilon;
  for (std::size_t n = 0; n < list.size(); ++n)
    for (const double value : x[n]) sum += norm.share[n] * value * value;
  std::size_t channel = 0;
  for (std::size_t n = 0; n < list.size(); ++n)
    for (int c = 0; c < list[n].channels; ++c, ++channel)
      for (int m = 0; m < list[n].components(); ++m)
        x[n][at(c, list[n].components(), m)] *= norm.weight[channel] / std::sqrt(sum);
}

Vector radial_basis(const Parameters& p, double r) {
  Vector basis;
  for (const double frequency : p.basis.frequency)
    basis.push_back(p.basis.prefactor * std::sin(frequency * r) / r * cutoff_factor(p.basis, r));
  return basis;
}

Features through_gate(const equivariant::Gate& gate, const Features& x) {
  Features y;
  const std::size_t scalars = gate.scalars.size();
  const std::size_t gated = gate.gated.size();
  for (std::size_t n = 0; n < scalars; ++n) {
    y.push_back(x[n]);
    for (double& value : y.back()) value = gate.scalar_activation[n].value(value);
  }
  for (std::size_t n = 0; n < gated; ++n) {
    y.push_back(x[scalars + gated + n]);
    const int components = gate.gated[n].components();
    for (int c = 0; c < gate.gated[n].channels; ++c)
      for (int m = 0; m < components; ++m)
        y.back()[at(c, components, m)] *= gate.gate_activation[n].value(x[scalars + n][c]);
  }
  return y;
}

void add_self_connection(const Parameters& p, const nequip::Interaction& interaction, int species, const Features& x,
                         Features& sum) {
  const auto& self = interaction.self_connection;
  if (interaction.self_connection_kind != nequip::SelfConnectionKind::per_embedding) {
    if (!self.empty()) add_linear(self.size() == 1 ? self[0] : self[species], x, sum);
    return;
  }
  for (std::size_t n = 0; n < self.size(); ++n) {
    Features share = zeros(interaction.gate.inputs());
    add_linear(self[n], x, share);
    const double weight = p.embedding[static_cast<std::size_t>(species) * self.size() + n];
    for (std::size_t block = 0; block < sum.size(); ++block)
      for (std::size_t k = 0; k < sum[block].size(); ++k) sum[block][k] += weight * share[block][k];
  }
}

std::vector<Features> interact(const Parameters& p, const nequip::Interaction& interaction,
                               const std::vector<Edge>& edges, const std::vector<int>& species,
                               const std::vector<Features>& x) {
  const std::size_t atoms = x.size();
  std::vector<Features> y(atoms, zeros(interaction.input));
  for (std::size_t j = 0; j < atoms; ++j) {
    add_linear(interaction.mix_input, x[j], y[j]);
    if (!p.neighbour_scale.empty())
      for (Vector& block : y[j])
        for (double& value : block) value *= p.neighbour_scale[species[j]];
  }

  std::vector<Features> messages(atoms, zeros(interaction.messages()));
  for (const Edge& edge : edges) {
    Point d = edge.d;
    if (p.normalised_harmonics)
      for (double& value : d) value /= edge.r;
    std::vector<Vector> harmonics;
    for (int l = 0; l <= p.edge_order; ++l) harmonics.push_back(real_harmonics(l, d));
    const Vector weights = pass_through(interaction.radial.layers, interaction.radial.activation,
                                        radial_basis(p, stretched(p, species, edge)));
    add_message(interaction.input, interaction.paths, weights, harmonics, y[edge.j], messages[edge.i]);
  }

  std::vector<Features> result;
  for (std::size_t i = 0; i < atoms; ++i) {
    for (Vector& block : messages[i])
      for (double& value : block) value /= interaction.denominator;
    Features sum = zeros(interaction.gate.inputs());
    add_linear(interaction.mix_messages, messages[i], sum);
    add_self_connection(p, interaction, species[i], x[i], sum);
    if (interaction.norm) normalise(*interaction.norm, interaction.gate.inputs(), sum);
    result.push_back(through_gate(interaction.gate, sum));
  }
  return result;
}

}  // namespace

std::vector<double> reference_energies(const Parameters& parameters, const Frame& frame) {
  const std::vector<int> species = species_of(parameters.species, frame);
  const std::vector<Edge> edges = edges_of(frame, parameters.basis.cutoff);
  std::vector<Features> x;
  for (const int s : species) x.push_back(embed(parameters.interactions.front().input, parameters.embedding, s));
  for (const nequip::Interaction& interaction : parameters.interactions)
    x = interact(parameters, interaction, edges, species, x);
  const IrrepsList last = parameters.interactions.back().gate.outputs();
  Vector energies;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double output = pass_through(parameters.readout, parameters.readout_activation, even_scalars(last, x[i]))[0];
    energies.push_back(parameters.energy_scale[species[i]] * output + parameters.energy_shift[species[i]]);
  }
  if (parameters.zbl)
    for (const Edge& edge : edges)
      energies[edge.i] += repulsion(*parameters.zbl, species[edge.i], species[edge.j], edge.r,
                                    stretched(parameters, species, edge) / parameters.basis.cutoff);
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

std::vector<double> reference_forces(const Parameters& parameters, const Frame& frame) {
  Vector forces;
  for (int n = 0; n < 3 * frame.atoms(); ++n) forces.push_back(reference_force(parameters, frame, n));
  return forces;
}

std::array<double, 9> reference_virial(const Parameters& parameters, const Frame& frame) {
  std::array<double, 9> virial{};
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b) virial[at(a, 3, b)] = reference_virial(parameters, frame, a, b);
  return virial;
}

}  // namespace grapevine::test
