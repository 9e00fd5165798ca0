// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_LAYOUT_H
#define GRAPEVINE_LAYOUT_H

namespace LAMMPS_NS {
class LAMMPS;

/// Compares LAMMPS's classes as they are in the program with the headers that this was compiled with: versions under
/// development keep their name while classes change. Returns what differs, or nullptr if nothing is seen to.
const char *layout_problem(LAMMPS *lmp);

}    // namespace LAMMPS_NS

#endif
