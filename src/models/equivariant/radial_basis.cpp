#include "models/equivariant/radial_basis.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

#include "models/equivariant/linear.hpp"
#include "support/error.hpp"

namespace grapevine::equivariant {
namespace {

/// Brooks et al., J. Comput. Chem. 4, 187 (1983).
CutoffValue xplor_cutoff(double r, double cutoff, double onset) {
  if (r >= cutoff) return {0, 0};
  if (r < onset) return {1, 0};
  const double width = cutoff * cutoff - onset * onset;
  const double rest = cutoff * cutoff - r * r;
  const double scale = 1 / (width * width * width);
  return {scale * rest * rest * (cutoff * cutoff + 2 * r * r - 3 * onset * onset),
          scale * 12 * r * rest * (onset * onset - r * r)};
}

}  // namespace

CutoffValue polynomial_cutoff(double r, double cutoff, int power) {
  if (r >= cutoff) return {0, 0};
  const double p = power;
  const double x = r / cutoff;
  const double x_power = std::pow(x, p - 1);
  const double a = (p + 1) * (p + 2) / 2;
  const double b = p * (p + 2);
  const double c = p * (p + 1) / 2;
  return {1 - x_power * x * (a - x * (b - x * c)), -x_power * (a * p - x * (b * (p + 1) - x * c * (p + 2))) / cutoff};
}

CutoffValue RadialBasis::cutoff_function(double r) const {
  return cutoff_kind == CutoffKind::xplor ? xplor_cutoff(r, cutoff, cutoff_onset)
                                          : polynomial_cutoff(r, cutoff, cutoff_power);
}

void RadialBasis::evaluate(double r, std::vector<double>& value, std::vector<double>& slope) const {
  const CutoffValue f = cutoff_function(r);
  value.resize(frequency.size());
  slope.resize(frequency.size());
  for (std::size_t n = 0; n < frequency.size(); ++n) {
    const double k = frequency[n];
    const double b = prefactor * std::sin(k * r) / r;
    value[n] = b * f.value;
    slope[n] = (prefactor * k * std::cos(k * r) - b) / r * f.value + b * f.slope;
  }
}

void check_basis(const RadialBasis& basis) {
  if (!(basis.cutoff > 0) || basis.cutoff > 100)
    throw Error(fmt::format("a cutoff of {} Angstrom makes no sense", basis.cutoff));
  if (basis.frequency.empty()) throw Error("it has no radial basis functions");
  check_values("radial frequency", basis.frequency, basis.frequency.size());
  if (!std::isfinite(basis.prefactor)) throw Error("the factor of the radial basis is not finite");
  if (basis.cutoff_kind == CutoffKind::polynomial && !(basis.cutoff_power >= 1 && basis.cutoff_power <= 100))
    throw Error(fmt::format("a cutoff polynomial of power {} makes no sense", basis.cutoff_power));
  if (basis.cutoff_kind == CutoffKind::xplor && !(basis.cutoff_onset >= 0 && basis.cutoff_onset < basis.cutoff))
    throw Error(
        fmt::format("a cutoff function from {} to {} Angstrom makes no sense", basis.cutoff_onset, basis.cutoff));
}

}  // namespace grapevine::equivariant
