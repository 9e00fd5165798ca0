#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "formats/text/extxyz.hpp"
#include "models/equivariant/activation.hpp"
#include "models/equivariant/irreps.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/path.hpp"
#include "models/equivariant/radial_basis.hpp"
#include "models/equivariant/zbl.hpp"

namespace grapevine::test {

/// Real spherical harmonics of order l of the vector d, [2 l + 1] in e3nn's order and axes, of norm
/// sqrt(2 l + 1) |d|^l.
std::vector<double> real_harmonics(int l, const std::array<double, 3>& d);

/// The real Wigner 3j symbol of orders up to equivariant::max_order; zero unless they couple.
double wigner_3j(int l1, int l2, int l3, int m1, int m2, int m3);

}  // namespace grapevine::test

/// The parts of equivariant models as slow loops in double precision.
namespace grapevine::test::reference {

using Vector = std::vector<double>;
/// For each irreps of a list its numbers, [channels][components].
using Features = std::vector<Vector>;

/// A neighbour j of atom i; periodic images are neighbours of their own.
struct Edge {
  int i = 0;
  int j = 0;
  std::array<double, 3> d{};  ///< r_j - r_i
  double r = 0;
};

std::size_t at(int row, int columns, int column);

/// Places of the atoms' symbols in a list; throws Error for one that is not there.
std::vector<int> species_of(const std::vector<std::string>& known, const Frame& frame);
/// By trying every periodic image. The frame has all three cell vectors if any direction is periodic.
std::vector<Edge> edges_of(const Frame& frame, double cutoff);

Features zeros(const equivariant::IrrepsList& list);
/// x_0 of a species: scalars only.
Features embed(const equivariant::IrrepsList& list, const Vector& embedding, int species);
/// y += linear( x ), with biases
void add_linear(const equivariant::EquivariantLinear& linear, const Features& x, Features& y);
/// What one edge adds to the messages of all paths.
void add_message(const equivariant::IrrepsList& input, const std::vector<equivariant::Path>& paths,
                 const Vector& weights, const std::vector<Vector>& harmonics, const Features& y, Features& message);
Vector even_scalars(const equivariant::IrrepsList& list, const Features& x);
Vector pass_through(const std::vector<equivariant::Dense>& layers, const equivariant::Activation& activation, Vector x);

/// 1 - (p + 1) (p + 2) / 2 x^p + ..., zero from 1 on
double polynomial_cutoff(double x, int power);
double cutoff_factor(const equivariant::RadialBasis& basis, double r);
/// Half of the repulsion of two nuclei whose cutoff function is of x.
double repulsion(const equivariant::Zbl& zbl, int centre, int neighbour, double r, double x);

using EnergyOf = std::function<double(const Frame&)>;
/// Central differences of fourth order.
double force_by_differences(const EnergyOf& energy, const Frame& frame, int coordinate, double step);
double virial_by_differences(const EnergyOf& energy, const Frame& frame, int a, int b, double step);

}  // namespace grapevine::test::reference
