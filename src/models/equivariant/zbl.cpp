#include "models/equivariant/zbl.hpp"

#include <cmath>

#include "models/equivariant/linear.hpp"
#include "support/error.hpp"

namespace grapevine::equivariant {

void check_zbl(const Zbl& zbl, std::size_t species) {
  check_values("nuclear charges", zbl.charge, species);
  for (const double charge : zbl.charge)
    if (!(charge > 0) || charge > 200) throw Error("a nuclear charge makes no sense");
  if (!std::isfinite(zbl.coulomb) || !(zbl.length > 0) || !std::isfinite(zbl.exponent) ||
      !(zbl.cutoff_power >= 1 && zbl.cutoff_power <= 100))
    throw Error("the constants of the repulsion of nuclei make no sense");
}

}  // namespace grapevine::equivariant
