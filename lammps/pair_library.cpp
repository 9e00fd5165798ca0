// SPDX-License-Identifier: GPL-2.0-only
#include "pair_library.h"

#include "compute_heat_flux_grapevine.h"
#include "layout.h"
#include "pair_grapevine.h"

using LAMMPS_NS::LAMMPS;

extern "C" __attribute__((visibility("default"))) const char *grapevine_layout_problem(void *lmp)
{
  return LAMMPS_NS::layout_problem(static_cast<LAMMPS *>(lmp));
}

extern "C" __attribute__((visibility("default"))) void *grapevine_create_pair(void *lmp)
{
  return new LAMMPS_NS::PairGrapevine(static_cast<LAMMPS *>(lmp));
}

extern "C" __attribute__((visibility("default"))) void *grapevine_create_heat_flux(void *lmp, int narg, char **arg)
{
  return new LAMMPS_NS::ComputeHeatFluxGrapevine(static_cast<LAMMPS *>(lmp), narg, arg);
}
