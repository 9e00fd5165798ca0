// SPDX-License-Identifier: GPL-2.0-only
#include "compute_heat_flux_grapevine.h"

#include "pair_grapevine.h"
#include "support/finite.hpp"

#include <lammps/atom.h>
#include <lammps/domain.h>
#include <lammps/error.h>
#include <lammps/force.h>
#include <lammps/update.h>
#include <lammps/utils.h>

#include <cstring>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

ComputeHeatFluxGrapevine::ComputeHeatFluxGrapevine(LAMMPS *lammps, int narg, char **arg) :
    Compute(lammps, narg, arg), with_reference_(true)
{
  for (int i = 3; i < narg; i += 2) {
    if (strcmp(arg[i], "reference") != 0)
      error->all(FLERR, "Unknown argument {} for compute heat/flux/grapevine, use reference yes or no", arg[i]);
    if (i + 1 == narg) utils::missing_cmd_args(FLERR, "compute heat/flux/grapevine reference", error);
    with_reference_ = utils::logical(FLERR, arg[i + 1], false, lmp) == 1;
  }
  vector_flag = 1;
  size_vector = 6;
  extvector = 1;
  vector = new double[6]();
}

/* ---------------------------------------------------------------------- */

ComputeHeatFluxGrapevine::~ComputeHeatFluxGrapevine()
{
  delete[] vector;
}

/* ---------------------------------------------------------------------- */

void ComputeHeatFluxGrapevine::init()
{
  find_pair();
  check_nothing_else_has_energy();
}

/* ---------------------------------------------------------------------- */

PairGrapevine *ComputeHeatFluxGrapevine::find_pair() const
{
  auto *pair = dynamic_cast<PairGrapevine *>(force->pair);
  if (!pair && force->pair && utils::strmatch(force->pair_style, "^hybrid"))
    error->all(FLERR,
               "Compute {} (heat/flux/grapevine) cannot tell the heat flux of pair_style {}: use pair_style grapevine "
               "alone",
               id, force->pair_style);
  if (!pair) error->all(FLERR, "Compute {} (heat/flux/grapevine) needs pair_style grapevine", id);
  return pair;
}

/* ---------------------------------------------------------------------- */

void ComputeHeatFluxGrapevine::check_nothing_else_has_energy() const
{
  struct Topology {
    const char *command;
    const void *style;
    const char *name;
  };
  const Topology others[] = {{"bond_style", force->bond, force->bond_style},
                             {"angle_style", force->angle, force->angle_style},
                             {"dihedral_style", force->dihedral, force->dihedral_style},
                             {"improper_style", force->improper, force->improper_style},
                             {"kspace_style", force->kspace, force->kspace_style}};
  for (const Topology &other : others)
    if (other.style && strcmp(other.name, "zero") != 0)
      error->all(
          FLERR,
          "Compute {} (heat/flux/grapevine) knows the energy of pair_style grapevine, but there is {} {} as well", id,
          other.command, other.name);
}

/* ---------------------------------------------------------------------- */

void ComputeHeatFluxGrapevine::check_it_can_be_computed(const PairGrapevine &pair) const
{
  if (update->whichflag == 0)
    error->all(FLERR,
               "Compute {} (heat/flux/grapevine) is not current between runs: have thermo_style or a fix ask for it in "
               "the last step of the run",
               id);
  if (domain->deform_flag)
    error->all(FLERR, "Compute {} (heat/flux/grapevine) cannot tell the heat flux in a box that fix deform changes",
               id);
  int current = pair.is_current() ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &current, 1, MPI_INT, MPI_MIN, world);
  if (!current)
    error->all(FLERR,
               "Compute {} (heat/flux/grapevine) is asked for before the forces of step {} are computed: ask for it at "
               "the end of the step",
               id, update->ntimestep);
}

/* ---------------------------------------------------------------------- */

double ComputeHeatFluxGrapevine::mass_of(int i) const
{
  return atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
}

/* ----------------------------------------------------------------------
   atoms that the model does not treat are as if they were not there
------------------------------------------------------------------------- */

void ComputeHeatFluxGrapevine::compute_vector()
{
  PairGrapevine &pair = *find_pair();
  check_it_can_be_computed(pair);
  invoked_vector = update->ntimestep;
  const AtomHeatFlux &terms = pair.heat_flux();
  const std::vector<double> reference = with_reference_ ? std::vector<double>(atom->ntypes + 1, 0.0)
                                                        : pair.reference_energies();

  double potential[3] = {0.0, 0.0, 0.0}, convective[3] = {0.0, 0.0, 0.0};
  for (const int i : pair.centres()) {
    if (!(atom->mask[i] & groupbit)) continue;
    const double *v = atom->v[i];
    const double kinetic = 0.5 * force->mvv2e * mass_of(i) * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    const double energy = kinetic + terms.energies()[i] - reference[atom->type[i]];
    for (int a = 0; a < 3; a++) {
      convective[a] += energy * v[a];
      potential[a] += terms.flux()[3 * static_cast<std::size_t>(i) + a];
    }
  }

  const double mine[6] = {convective[0] + potential[0],
                          convective[1] + potential[1],
                          convective[2] + potential[2],
                          convective[0],
                          convective[1],
                          convective[2]};
  MPI_Allreduce(mine, vector, 6, MPI_DOUBLE, MPI_SUM, world);
  if (!grapevine::all_finite({vector, 6}))
    error->all(FLERR, "The heat flux of compute {} (heat/flux/grapevine) is not finite at step {}", id,
               update->ntimestep);
}
