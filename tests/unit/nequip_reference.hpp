#pragma once

#include <array>
#include <vector>

#include "equivariant_reference.hpp"
#include "formats/text/extxyz.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine::test {

/// Atomic energies (eV) by the formulas in nequip/parameters.hpp one by one, in double precision, neighbours by trying
/// every periodic image. The frame has all three cell vectors if any direction is periodic.
std::vector<double> reference_energies(const nequip::Parameters& parameters, const Frame& frame);
double reference_energy(const nequip::Parameters& parameters, const Frame& frame);

/// Force (eV/Angstrom) on one coordinate, 3 atom + axis: central differences of fourth order.
double reference_force(const nequip::Parameters& parameters, const Frame& frame, int coordinate, double step = 1e-4);
/// Minus the derivative of the energy by strain e[a][b], which moves every component b by e[a][b] times component a;
/// eV. It is symmetric, as the energy does not change by rotation.
double reference_virial(const nequip::Parameters& parameters, const Frame& frame, int a, int b, double step = 1e-4);

std::vector<double> reference_forces(const nequip::Parameters& parameters, const Frame& frame);    ///< [atoms][3]
std::array<double, 9> reference_virial(const nequip::Parameters& parameters, const Frame& frame);  ///< row-major

}  // namespace grapevine::test
