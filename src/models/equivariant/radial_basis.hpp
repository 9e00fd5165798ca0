#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace grapevine::equivariant {

enum class CutoffKind { polynomial, xplor };
enum class BasisKind { bessel, gaussian };
enum class TransformKind { none, agnesi, soft };

/// A function that ends at a cutoff: value and slope at one distance.
struct CutoffValue {
  double value;
  double slope;  ///< per Angstrom
};

/// 1 - (p+1)(p+2)/2 x^p + p(p+2) x^(p+1) - p(p+1)/2 x^(p+2) with x = r / cutoff; 0 from the cutoff on. Gasteiger et
/// al., arXiv:2003.03123, equation 8.
CutoffValue polynomial_cutoff(double r, double cutoff, int power);

/// What the functions of a basis see instead of the distance r, which depends on a length r_0 of the pair of species.
/// Witt et al., J. Chem. Phys. 159, 164101 (2023), and mace-torch's AgnesiTransform and SoftTransform:
///   agnesi  1 / ( 1 + a x^q / ( 1 + x^(q - p) ) ), x = r / r_0
///   soft    s + ( r - s ) ( 1 + tanh( steepness / ( e - s ) ( r - (s + e) / 2 ) ) ) / 2, s = 3/4 r_0, e = 4/3 r_0
struct DistanceTransform {
  TransformKind kind = TransformKind::none;
  double length = 1;  ///< Angstrom, r_0
  double a = 1.0805;
  double q = 0.9183;
  double p = 4.5791;
  double steepness = 4;
};

/// The value at r and its slope. The transform may be none, which leaves r as it is.
CutoffValue transformed_distance(const DistanceTransform& transform, double r);

/// Functions that end at the cutoff, of the distance or of what a transform makes of it:
///   bessel    b_n = prefactor sin(frequency_n r) / r times the cutoff function
///   gaussian  b_n = exp( -(r - centre_n)^2 / (2 width^2) ) times the cutoff function
/// The cutoff function is of the distance itself.
struct RadialBasis {
  BasisKind kind = BasisKind::bessel;
  double cutoff = 0;              ///< Angstrom
  std::vector<double> frequency;  ///< [functions] 1/Angstrom, of Bessel functions
  double prefactor = 1;           ///< of Bessel functions
  std::vector<double> centre;     ///< [functions] Angstrom, of Gaussians
  double width = 1;               ///< Angstrom, of Gaussians
  DistanceTransform transform;
  CutoffKind cutoff_kind = CutoffKind::polynomial;
  int cutoff_power = 6;     ///< p of the polynomial
  double cutoff_onset = 0;  ///< Angstrom, of XPLOR

  int functions() const { return static_cast<int>((kind == BasisKind::bessel ? frequency : centre).size()); }
  CutoffValue cutoff_function(double r) const;
  /// One function of the transformed distance, without the cutoff.
  CutoffValue function(std::size_t n, double x) const;
  /// All functions at distance r and their slopes (per Angstrom).
  void evaluate(double r, std::vector<double>& value, std::vector<double>& slope) const;
};

/// Throws Error unless all of it makes sense.
void check_basis(const RadialBasis& basis);

}  // namespace grapevine::equivariant
