#pragma once

#include <string>
#include <vector>

namespace grapevine::equivariant {

enum class CutoffKind { polynomial, xplor };

/// A function that ends at a cutoff: value and slope at one distance.
struct CutoffValue {
  double value;
  double slope;  ///< per Angstrom
};

/// 1 - (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) - p(p+1)/2 x^(p+2) with x = r / cutoff; 0 from the cutoff on. Gasteiger et
/// al., arXiv:2003.03123, equation 8.
CutoffValue polynomial_cutoff(double r, double cutoff, int power);

/// Bessel functions that end at the cutoff: b_n(r) = prefactor sin(frequency_n r) / r times the cutoff function.
struct RadialBasis {
  double cutoff = 0;              ///< Angstrom
  std::vector<double> frequency;  ///< [functions] 1/Angstrom
  double prefactor = 1;
  CutoffKind cutoff_kind = CutoffKind::polynomial;
  int cutoff_power = 6;     ///< p of the polynomial
  double cutoff_onset = 0;  ///< Angstrom, of XPLOR

  int functions() const { return static_cast<int>(frequency.size()); }
  CutoffValue cutoff_function(double r) const;
  /// All functions at distance r and their slopes (per Angstrom).
  void evaluate(double r, std::vector<double>& value, std::vector<double>& slope) const;
};

/// Throws Error unless all of it makes sense.
void check_basis(const RadialBasis& basis);

}  // namespace grapevine::equivariant
