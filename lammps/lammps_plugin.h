// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAMMPS_PLUGIN_H
#define GRAPEVINE_LAMMPS_PLUGIN_H

// The binary interface between LAMMPS and a plugin. Installed LAMMPS headers do not include it, hence this
// declaration of it.
extern "C" {
typedef void *(lammpsplugin_factory1)(void *lmp);
typedef void *(lammpsplugin_factory2)(void *lmp, int narg, char **arg);

typedef struct {
  const char *version;    // of LAMMPS; a mismatch only warns
  const char *style;      // "pair" or "compute"
  const char *name;
  const char *info;
  const char *author;
  union {
    lammpsplugin_factory1 *v1;
    lammpsplugin_factory2 *v2;
  } creator;
  void *handle;
} lammpsplugin_t;

typedef void (*lammpsplugin_regfunc)(lammpsplugin_t *plugin, void *lmp);
}

#endif
