#include "training/data/reference_counts.hpp"

namespace grapevine {

void ReferenceCounts::add(const ReferenceValues& reference, const StructureWeights& weights) {
  energies += reference.energy && weights.energy > 0 ? 1 : 0;
  force_components += reference.forces && weights.forces > 0 ? reference.forces->size() : 0;
  virials += reference.virial && weights.virial > 0 ? 1 : 0;
}

bool ReferenceCounts::weighed_by(double energy, double forces, double virial) const {
  return (energy > 0 && energies > 0) || (forces > 0 && force_components > 0) || (virial > 0 && virials > 0);
}

}  // namespace grapevine
