// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_JSON_FWD_H
#define GRAPEVINE_JSON_FWD_H

// LAMMPS 22 Jul 2025 up to its update 2 installs an atom.h that includes this header, and not the header itself.
namespace LAMMPS_NS {
class json;
}

#endif
