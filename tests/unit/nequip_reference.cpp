#include "nequip_reference.hpp"

#include <cmath>
#include <complex>
#include <cstdlib>
#include <functional>
#include <utility>

#include "models/equivariant/wigner_3j.hpp"
#include "support/error.hpp"

namespace grapevine::test {

namespace {

using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using nequip::Parameters;
using Vector = std::vector<double>;
using Point = std::array<double, 3>;

/// For each irreps of a list its numbers, [channels][components].
using Features = std::vector<Vector>;

/// A neighbour j of atom i; periodic images are neighbours of their own.
struct Edge {
  int i = 0;
  int j = 0;
  Point d{};  ///< r_j - r_i
  double r = 0;
};

std::size_t at(int row, int columns, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
}

Features zeros(const IrrepsList& list) {
  Features features;
  for (const Irreps& irreps : list) features.emplace_back(at(irreps.channels, irreps.components(), 0), 0.0);
  return features;
}

double dot(const Point& a, const Point& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

Point cross(const Point& a, const Point& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

// P_l differentiated m times, at z, with powers of r2 that make all its terms of degree l - m.
double legendre_derivative(int l, int m, double z, double r2) {
  double sum = 0;
  for (int k = 0; 2 * k <= l - m; ++k)
    sum += (k % 2 == 0 ? 1 : -1) * factorial(2 * l - 2 * k) /
           (std::pow(2, l) * factorial(k) * factorial(l - k) * factorial(l - 2 * k - m)) * std::pow(z, l - 2 * k - m) *
           std::pow(r2, k);
  return sum;
}

constexpr int orders = equivariant::max_order + 1;
using Coupling = std::vector<Vector>;  ///< [orders^3][components1 * components2 * components3]

template <int l1, int l2, int l3>
Vector flat_wigner_3j() {
  Vector values;
  if constexpr (l1 + l2 >= l3 && l1 + l3 >= l2 && l2 + l3 >= l1)
    for (const auto& rows : equivariant::Wigner3j<l1, l2, l3>::value)
      for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  return values;
}

template <std::size_t... n>
Coupling all_wigner_3j(std::index_sequence<n...>) {
  return {flat_wigner_3j<n / (orders * orders), n / orders % orders, n % orders>()...};
}

std::vector<int> species_of(const Parameters& parameters, const Frame& frame) {
  std::vector<int> species;
  for (const std::string& symbol : frame.symbols) {
    std::size_t s = 0;
    while (s < parameters.species.size() && parameters.species[s] != symbol) ++s;
    if (s == parameters.species.size()) throw Error("no species " + symbol);
    species.push_back(static_cast<int>(s));
  }
  return species;
}

Point position(const Frame& frame, int i) {
  return {frame.positions[at(i, 3, 0)], frame.positions[at(i, 3, 1)], frame.positions[at(i, 3, 2)]};
}

std::vector<Edge> edges_of(const Frame& frame, double cutoff) {
  std::array<Point, 3> cell;
  for (int k = 0; k < 3; ++k)
    for (int x = 0; x < 3; ++x) cell[k][x] = frame.cell[at(k, 3, x)];
  std::array<Point, 3> inverse{};
  const double volume = dot(cell[0], cross(cell[1], cell[2]));
  for (int k = 0; k < 3; ++k) {
    if (!frame.periodic[k]) continue;
    if (volume == 0) throw Error("a periodic frame without all cell vectors");
    inverse[k] = cross(cell[(k + 1) % 3], cell[(k + 2) % 3]);
    for (double& value : inverse[k]) value /= volume;
  }
  std::vector<Edge> edges;
  for (int i = 0; i < frame.atoms(); ++i)
    for (int j = 0; j < frame.atoms(); ++j) {
      Point d = position(frame, j);
      for (int x = 0; x < 3; ++x) d[x] -= position(frame, i)[x];
      int first[3];
      int last[3];
      for (int k = 0; k < 3; ++k) {
        const double width = cutoff * std::sqrt(dot(inverse[k], inverse[k]));
        first[k] = static_cast<int>(std::ceil(-dot(inverse[k], d) - width));
        last[k] = static_cast<int>(std::floor(-dot(inverse[k], d) + width));
      }
      for (int a = first[0]; a <= last[0]; ++a)
        for (int b = first[1]; b <= last[1]; ++b)
          for (int c = first[2]; c <= last[2]; ++c) {
            Edge edge{i, j, d, 0};
            for (int x = 0; x < 3; ++x) edge.d[x] += a * cell[0][x] + b * cell[1][x] + c * cell[2][x];
            edge.r = std::sqrt(dot(edge.d, edge.d));
            const bool self = i == j && a == 0 && b == 0 && c == 0;
            if (!self && edge.r < cutoff) edges.push_back(edge);
          }
    }
  return edges;
}

Vector pass_through(const std::vector<Dense>& layers, const equivariant::Activation& activation, Vector x) {
  for (std::size_t n = 0; n < layers.size(); ++n) {
    const Dense& dense = layers[n];
    Vector y(static_cast<std::size_t>(dense.outputs), 0.0);
    for (int o = 0; o < dense.outputs; ++o) {
      if (!dense.bias.empty()) y[o] = dense.bias[o];
      for (int i = 0; i < dense.inputs; ++i) y[o] += x[i] * dense.weight[at(i, dense.outputs, o)];
      if (n + 1 < layers.size()) y[o] = activation.value(y[o]);
    }
    x = y;
  }
  return x;
}

// As the radial functions see it.
double stretched(const Parameters& p, const std::vector<int>& species, const Edge& edge) {
  if (p.pair_cutoff.empty()) return edge.r;
  return edge.r * p.basis.cutoff /
         p.pair_cutoff[at(species[edge.i], static_cast<int>(p.species.size()), species[edge.j])];
}

double repulsion(const Parameters& p, const std::vector<int>& species, const Edge& edge) {
  const equivariant::Zbl& zbl = *p.zbl;
  const double x = stretched(p, species, edge) / p.basis.cutoff;
  if (x >= 1) return 0;
  const double zi = zbl.charge[species[edge.i]];
  const double zj = zbl.charge[species[edge.j]];
  const double a = zbl.length / (std::pow(zi, zbl.exponent) + std::pow(zj, zbl.exponent));
  double screening = 0;
  for (int n = 0; n < 4; ++n) screening += zbl.coefficient[n] * std::exp(-zbl.decay[n] * edge.r / a);
  const double n = zbl.cutoff_power;
  const double factor = 1 - (n + 1) * (n + 2) / 2 * std::pow(x, n) + n * (n + 2) * std::pow(x, n + 1) -
                        n * (n + 1) / 2 * std::pow(x, n + 2);
  return 0.5 * zbl.coulomb * zi * zj / edge.r * screening * factor;
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

double cutoff_factor(const Parameters& p, double r) {
  if (r >= p.basis.cutoff) return 0;
  if (p.basis.cutoff_kind == equivariant::CutoffKind::xplor) {
    const double r2 = r * r;
    const double on = p.basis.cutoff_onset * p.basis.cutoff_onset;
    const double end = p.basis.cutoff * p.basis.cutoff;
    return r < p.basis.cutoff_onset ? 1 : std::pow(end - r2, 2) * (end + 2 * r2 - 3 * on) / std::pow(end - on, 3);
  }
  const double n = p.basis.cutoff_power;
  const double x = r / p.basis.cutoff;
  return 1 - (n + 1) * (n + 2) / 2 * std::pow(x, n) + n * (n + 2) * std::pow(x, n + 1) -
         n * (n + 1) / 2 * std::pow(x, n + 2);
}

Vector radial_basis(const Parameters& p, double r) {
  Vector basis;
  for (const double frequency : p.basis.frequency)
    basis.push_back(p.basis.prefactor * std::sin(frequency * r) / r * cutoff_factor(p, r));
  return basis;
}

void add_linear(const EquivariantLinear& linear, const Features& x, Features& y) {
  for (const EquivariantLinear::Part& part : linear.parts) {
    const int inputs = linear.inputs[part.input].channels;
    const int outputs = linear.outputs[part.output].channels;
    const int components = linear.inputs[part.input].components();
    for (int i = 0; i < inputs; ++i)
      for (int o = 0; o < outputs; ++o)
        for (int m = 0; m < components; ++m)
          y[part.output][at(o, components, m)] += part.weight[at(i, outputs, o)] * x[part.input][at(i, components, m)];
  }
  if (linear.bias.empty()) return;
  std::size_t n = 0;
  for (std::size_t o = 0; o < linear.outputs.size(); ++o)
    if (linear.outputs[o].order == 0 && linear.outputs[o].parity == 1)
      for (double& value : y[o]) value += linear.bias[n++];
}

// What one edge adds to the messages of atom i, but for the denominator.
void add_message(const nequip::Interaction& interaction, const Vector& weights, const std::vector<Vector>& harmonics,
                 const Features& y, Features& message) {
  std::size_t first = 0;
  for (std::size_t n = 0; n < interaction.paths.size(); ++n) {
    const equivariant::Path& path = interaction.paths[n];
    const Irreps& input = interaction.input[path.input];
    const int n1 = input.components();
    const int n2 = 2 * path.edge_order + 1;
    const int n3 = 2 * path.order + 1;
    for (int m1 = 0; m1 < n1; ++m1)
      for (int m2 = 0; m2 < n2; ++m2)
        for (int m3 = 0; m3 < n3; ++m3) {
          const double w = wigner_3j(input.order, path.edge_order, path.order, m1, m2, m3);
          if (w == 0) continue;
          const double factor = std::sqrt(n3) * w * harmonics[path.edge_order][m2];
          for (int c = 0; c < input.channels; ++c)
            message[n][at(c, n3, m3)] += factor * weights[first + c] * y[path.input][at(c, n1, m1)];
        }
    first += static_cast<std::size_t>(input.channels);
  }
}

Features pass_through(const equivariant::Gate& gate, const Features& x) {
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
    add_message(interaction, weights, harmonics, y[edge.j], messages[edge.i]);
  }

  std::vector<Features> result;
  for (std::size_t i = 0; i < atoms; ++i) {
    for (Vector& block : messages[i])
      for (double& value : block) value /= interaction.denominator;
    Features sum = zeros(interaction.gate.inputs());
    add_linear(interaction.mix_messages, messages[i], sum);
    add_self_connection(p, interaction, species[i], x[i], sum);
    if (interaction.norm) normalise(*interaction.norm, interaction.gate.inputs(), sum);
    result.push_back(pass_through(interaction.gate, sum));
  }
  return result;
}

std::vector<Features> embed(const Parameters& p, const std::vector<int>& species) {
  const IrrepsList& list = p.interactions.front().input;
  std::vector<Features> x;
  for (const int s : species) {
    Features features = zeros(list);
    std::size_t n = at(s, equivariant::channels(list), 0);
    for (Vector& block : features)
      for (double& value : block) value = p.embedding[n++];
    x.push_back(features);
  }
  return x;
}

Vector even_scalars(const IrrepsList& list, const Features& x) {
  Vector values;
  for (std::size_t n = 0; n < list.size(); ++n)
    if (list[n].order == 0 && list[n].parity == 1) values.insert(values.end(), x[n].begin(), x[n].end());
  return values;
}

double slope_at_zero(double h, const std::function<double(double)>& f) {
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

}  // namespace

// e3nn's polar axis is y: its axes x, y, z are y, z, x of the usual formulas.
std::vector<double> real_harmonics(int l, const std::array<double, 3>& d) {
  const double z = d[1];
  const std::complex<double> plane(d[2], d[0]);
  Vector values(at(1, 2 * l + 1, 0), 0.0);
  for (int m = 0; m <= l; ++m) {
    const double norm = std::sqrt((2 * l + 1) * (m == 0 ? 1 : 2) * factorial(l - m) / factorial(l + m));
    const double polar = norm * legendre_derivative(l, m, z, dot(d, d));
    std::complex<double> power = 1;
    for (int n = 0; n < m; ++n) power *= plane;
    values[l + m] = polar * power.real();
    if (m > 0) values[l - m] = polar * power.imag();
  }
  return values;
}

double wigner_3j(int l1, int l2, int l3, int m1, int m2, int m3) {
  static const Coupling table = all_wigner_3j(std::make_index_sequence<orders * orders * orders>());
  const Vector& values = table[at(static_cast<int>(at(l1, orders, l2)), orders, l3)];
  if (values.empty()) return 0;
  return values[at(static_cast<int>(at(m1, 2 * l2 + 1, m2)), 2 * l3 + 1, m3)];
}

std::vector<double> reference_energies(const Parameters& parameters, const Frame& frame) {
  const std::vector<int> species = species_of(parameters, frame);
  const std::vector<Edge> edges = edges_of(frame, parameters.basis.cutoff);
  std::vector<Features> x = embed(parameters, species);
  for (const nequip::Interaction& interaction : parameters.interactions)
    x = interact(parameters, interaction, edges, species, x);
  const IrrepsList last = parameters.interactions.back().gate.outputs();
  Vector energies;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double output = pass_through(parameters.readout, parameters.readout_activation, even_scalars(last, x[i]))[0];
    energies.push_back(parameters.energy_scale[species[i]] * output + parameters.energy_shift[species[i]]);
  }
  if (parameters.zbl)
    for (const Edge& edge : edges) energies[edge.i] += repulsion(parameters, species, edge);
  return energies;
}

double reference_energy(const Parameters& parameters, const Frame& frame) {
  double sum = 0;
  for (const double energy : reference_energies(parameters, frame)) sum += energy;
  return sum;
}

double reference_force(const Parameters& parameters, const Frame& frame, int coordinate, double step) {
  return -slope_at_zero(step, [&](double by) {
    Frame moved = frame;
    moved.positions[coordinate] += by;
    return reference_energy(parameters, moved);
  });
}

double reference_virial(const Parameters& parameters, const Frame& frame, int a, int b, double step) {
  return -slope_at_zero(step, [&](double by) {
    Frame moved = frame;
    for (int i = 0; i < frame.atoms(); ++i) moved.positions[at(i, 3, b)] += by * frame.positions[at(i, 3, a)];
    for (int k = 0; k < 3; ++k) moved.cell[at(k, 3, b)] += by * frame.cell[at(k, 3, a)];
    return reference_energy(parameters, moved);
  });
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
