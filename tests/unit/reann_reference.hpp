#pragma once

#include <random>
#include <vector>

#include "formats/text/extxyz.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine::test {

/// Sizes of a random REANN potential.
struct ReannSizes {
  std::vector<std::string> species = {"Ni", "O"};
  double cutoff = 4.5;
  int waves = 5;
  int max_order = 2;
  int orbitals = 17;
  int layers = 2;
  std::vector<int> widths = {6, 9};
  int blocks = 2;
  bool norm = true;
  reann::ActivationKind activation = reann::ActivationKind::relu_like;
};

reann::Parameters random_parameters(const ReannSizes& sizes, unsigned seed);

/// Atoms of the given symbols in turn, no two closer than 1.5 Angstrom, in a box without periodic directions.
Frame random_cluster(const std::vector<std::string>& symbols, int atoms, double box, unsigned seed);

/// Atomic energies by the formulas as published: every ordered product of components, mixing, squares and networks one
/// by one, all atoms in every layer. For clusters (no periodic images).
std::vector<double> reference_energies(const reann::Parameters& parameters, const Frame& frame);

}  // namespace grapevine::test
