#include "equivariant_reference.hpp"

#include <cmath>
#include <complex>
#include <cstdlib>
#include <utility>

#include "models/equivariant/wigner_3j.hpp"
#include "support/error.hpp"

namespace grapevine::test {

namespace {

using equivariant::Dense;
using equivariant::EquivariantLinear;
using equivariant::Irreps;
using equivariant::IrrepsList;
using reference::Vector;
using Point = std::array<double, 3>;

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

Point position(const Frame& frame, int i) {
  return {frame.positions[3 * i], frame.positions[3 * i + 1], frame.positions[3 * i + 2]};
}

double slope_at_zero(double h, const std::function<double(double)>& f) {
  return (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
}

}  // namespace

// e3nn's polar axis is y: its axes x, y, z are y, z, x of the usual formulas.
std::vector<double> real_harmonics(int l, const std::array<double, 3>& d) {
  const double z = d[1];
  const std::complex<double> plane(d[2], d[0]);
  Vector values(static_cast<std::size_t>(2 * l + 1), 0.0);
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
  const Vector& values = table[(l1 * orders + l2) * orders + l3];
  if (values.empty()) return 0;
  return values[(m1 * (2 * l2 + 1) + m2) * (2 * l3 + 1) + m3];
}

namespace reference {

std::size_t at(int row, int columns, int column) {
  return static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(column);
}

Features zeros(const IrrepsList& list) {
  Features features;
  for (const Irreps& irreps : list) features.emplace_back(at(irreps.channels, irreps.components(), 0), 0.0);
  return features;
}

std::vector<int> species_of(const std::vector<std::string>& known, const Frame& frame) {
  std::vector<int> species;
  for (const std::string& symbol : frame.symbols) {
    std::size_t s = 0;
    while (s < known.size() && known[s] != symbol) ++s;
    if (s == known.size()) throw Error("no species " + symbol);
    species.push_back(static_cast<int>(s));
  }
  return species;
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

double polynomial_cutoff(double x, int power) {
  if (x >= 1) return 0;
  const double n = power;
  return 1 - (n + 1) * (n + 2) / 2 * std::pow(x, n) + n * (n + 2) * std::pow(x, n + 1) -
         n * (n + 1) / 2 * std::pow(x, n + 2);
}

double cutoff_factor(const equivariant::RadialBasis& basis, double r) {
  if (basis.cutoff_kind == equivariant::CutoffKind::polynomial)
    return polynomial_cutoff(r / basis.cutoff, basis.cutoff_power);
  if (r >= basis.cutoff) return 0;
  const double r2 = r * r;
  const double on = basis.cutoff_onset * basis.cutoff_onset;
  const double end = basis.cutoff * basis.cutoff;
  return r < basis.cutoff_onset ? 1 : std::pow(end - r2, 2) * (end + 2 * r2 - 3 * on) / std::pow(end - on, 3);
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

Vector even_scalars(const IrrepsList& list, const Features& x) {
  Vector values;
  for (std::size_t n = 0; n < list.size(); ++n)
    if (list[n].order == 0 && list[n].parity == 1) values.insert(values.end(), x[n].begin(), x[n].end());
  return values;
}

void add_message(const IrrepsList& list, const std::vector<equivariant::Path>& paths, const Vector& weights,
                 const std::vector<Vector>& harmonics, const Features& y, Features& message) {
  std::size_t first = 0;
  for (std::size_t n = 0; n < paths.size(); ++n) {
    const equivariant::Path& path = paths[n];
    const Irreps& input = list[path.input];
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

Features embed(const IrrepsList& list, const Vector& embedding, int species) {
  Features features = zeros(list);
  std::size_t n = at(species, equivariant::channels(list), 0);
  for (Vector& block : features)
    for (double& value : block) value = embedding[n++];
  return features;
}

double repulsion(const equivariant::Zbl& zbl, int centre, int neighbour, double r, double x) {
  const double zi = zbl.charge[centre];
  const double zj = zbl.charge[neighbour];
  const double a = zbl.length / (std::pow(zi, zbl.exponent) + std::pow(zj, zbl.exponent));
  double screening = 0;
  for (int n = 0; n < 4; ++n) screening += zbl.coefficient[n] * std::exp(-zbl.decay[n] * r / a);
  return 0.5 * zbl.coulomb * zi * zj / r * screening * polynomial_cutoff(x, zbl.cutoff_power);
}

double force_by_differences(const EnergyOf& energy, const Frame& frame, int coordinate, double step) {
  return -slope_at_zero(step, [&](double by) {
    Frame moved = frame;
    moved.positions[coordinate] += by;
    return energy(moved);
  });
}

double virial_by_differences(const EnergyOf& energy, const Frame& frame, int a, int b, double step) {
  return -slope_at_zero(step, [&](double by) {
    Frame moved = frame;
    for (int i = 0; i < frame.atoms(); ++i) moved.positions[at(i, 3, b)] += by * frame.positions[at(i, 3, a)];
    for (int k = 0; k < 3; ++k) moved.cell[at(k, 3, b)] += by * frame.cell[at(k, 3, a)];
    return energy(moved);
  });
}

}  // namespace reference

}  // namespace grapevine::test
