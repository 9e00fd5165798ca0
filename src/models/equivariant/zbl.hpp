#pragma once

#include <cstddef>
#include <vector>

namespace grapevine::equivariant {

/// Screened repulsion of nuclei, Ziegler, Biersack and Littmark (1985): half of
///   k Z_i Z_j / r  sum_n c_n exp( -d_n r / a )  polynomial_cutoff( r ),   a = length / (Z_i^exponent + Z_j^exponent)
/// for each of the two atoms.
struct Zbl {
  std::vector<double> charge;  ///< [species] Z, of the nuclei
  double coulomb = 14.399645;  ///< k, eV Angstrom
  double length = 0.46850;     ///< Angstrom
  double exponent = 0.23;      ///<
  int cutoff_power = 6;        ///< p of the polynomial
  double coefficient[4] = {0.02817, 0.28022, 0.50986, 0.18175};
  double decay[4] = {0.20162, 0.40290, 0.94229, 3.19980};
};

/// Throws Error unless all of it makes sense.
void check_zbl(const Zbl& zbl, std::size_t species);

}  // namespace grapevine::equivariant
