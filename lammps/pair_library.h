// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_PAIR_LIBRARY_H
#define GRAPEVINE_PAIR_LIBRARY_H

/// What the plugin calls in the library with the pair style and its compute, which is loaded into the right LAMMPS only.
extern "C" {
/// What of LAMMPS's classes is not laid out as the pair style was compiled for; nullptr if nothing is seen to differ.
typedef const char *(grapevine_layout_problem_t)(void *lmp);
grapevine_layout_problem_t grapevine_layout_problem;

void *grapevine_create_pair(void *lmp);
void *grapevine_create_heat_flux(void *lmp, int narg, char **arg);
}

#endif
