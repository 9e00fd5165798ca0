// SPDX-License-Identifier: GPL-2.0-only
#ifndef LMP_COMPUTE_HEAT_FLUX_GRAPEVINE_H
#define LMP_COMPUTE_HEAT_FLUX_GRAPEVINE_H

#include <lammps/compute.h>

namespace LAMMPS_NS {

class PairGrapevine;

/// compute ID group heat/flux/grapevine [reference yes|no]
///
/// The heat flux of message passing models (docs/heat-flux.md): a vector of total flux and its convective part, laid
/// out and in units as that of compute heat/flux.
class ComputeHeatFluxGrapevine : public Compute {
 public:
  ComputeHeatFluxGrapevine(class LAMMPS *, int, char **);
  ~ComputeHeatFluxGrapevine() override;

  void init() override;
  void compute_vector() override;

 private:
  PairGrapevine *find_pair() const;
  void check_nothing_else_has_energy() const;
  void check_it_can_be_computed(const PairGrapevine &) const;
  double mass_of(int) const;

  bool with_reference_;    // energies of the model in the energies of atoms
};

}    // namespace LAMMPS_NS

#endif
