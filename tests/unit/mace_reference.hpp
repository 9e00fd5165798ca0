#pragma once

#include <vector>

#include "equivariant_reference.hpp"
#include "formats/text/extxyz.hpp"
#include "models/mace/parameters.hpp"

namespace grapevine::test {

/// Atomic energies (eV) by the formulas in mace/parameters.hpp one by one, in double precision, neighbours by trying
/// every periodic image. The frame has all three cell vectors if any direction is periodic.
std::vector<double> reference_energies(const mace::Parameters& parameters, const Frame& frame);
double reference_energy(const mace::Parameters& parameters, const Frame& frame);

/// Force (eV/Angstrom) on one coordinate, 3 atom + axis, and minus the derivative of the energy (eV) by strain e[a][b],
/// by differences.
double reference_force(const mace::Parameters& parameters, const Frame& frame, int coordinate, double step = 1e-4);
double reference_virial(const mace::Parameters& parameters, const Frame& frame, int a, int b, double step = 1e-4);

}  // namespace grapevine::test
