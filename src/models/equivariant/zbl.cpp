#include "models/equivariant/zbl.hpp"

#include <cmath>
#include <cstddef>

#include "models/equivariant/linear.hpp"
#include "models/equivariant/radial_basis.hpp"
#include "support/error.hpp"

namespace grapevine::equivariant {

Zbl::Value Zbl::evaluate(int species, int neighbour, double r, double cutoff) const {
  const CutoffValue f = polynomial_cutoff(r, cutoff, cutoff_power);
  const double zi = charge[static_cast<std::size_t>(species)];
  const double zj = charge[static_cast<std::size_t>(neighbour)];
  const double inverse_a = (std::pow(zi, exponent) + std::pow(zj, exponent)) / length;
  double screening = 0;
  double screening_slope = 0;
  for (int n = 0; n < 4; ++n) {
    const double term = coefficient[n] * std::exp(-decay[n] * inverse_a * r);
    screening += term;
    screening_slope -= decay[n] * inverse_a * term;
  }
  const double bare = 0.5 * coulomb * zi * zj / r;
  return {bare * screening * f.value, bare * ((screening_slope - screening / r) * f.value + screening * f.slope)};
}

void check_zbl(const Zbl& zbl, std::size_t species) {
  check_values("nuclear charges", zbl.charge, species);
  for (const double charge : zbl.charge)
    if (!(charge > 0) || charge > 200) throw Error("a nuclear charge makes no sense");
  if (!std::isfinite(zbl.coulomb) || !(zbl.length > 0) || !std::isfinite(zbl.exponent) ||
      !(zbl.cutoff_power >= 1 && zbl.cutoff_power <= 100))
    throw Error("the constants of the repulsion of nuclei make no sense");
}

}  // namespace grapevine::equivariant
