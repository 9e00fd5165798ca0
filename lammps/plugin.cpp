// SPDX-License-Identifier: GPL-2.0-only
#include "lammps_plugin.h"
#include "pair_grapevine.h"

static void *create_pair_grapevine(void *lmp)
{
  return new LAMMPS_NS::PairGrapevine(static_cast<LAMMPS_NS::LAMMPS *>(lmp));
}

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
  lammpsplugin_t plugin;
  plugin.version = "22 Jul 2025";
  plugin.style = "pair";
  plugin.name = "grapevine";
  plugin.info = "Grapevine " GRAPEVINE_VERSION ": message passing potentials, one cutoff of halo";
  plugin.author = "Grapevine developers";
  plugin.creator.v1 = &create_pair_grapevine;
  plugin.handle = handle;
  reinterpret_cast<lammpsplugin_regfunc>(regfunc)(&plugin, lmp);
}
