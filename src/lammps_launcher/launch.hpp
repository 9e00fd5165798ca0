#pragma once

#include <string>
#include <vector>

#include "lammps_launcher/lammps_installation.hpp"
#include "support/child_process.hpp"

namespace grapevine {

/// The command that runs LAMMPS on `ranks` MPI ranks with the given arguments, and the variables that its environment
/// needs on top of the present one: the plugin's folder, the wheel's libraries and potentials, one thread per rank
/// unless OMP_NUM_THREADS is set, and MPICH's way to start ranks without srun where Slurm's variables are set but srun
/// is not to be found. Throws Error if that would need ranks on other nodes.
Command lammps_command(const LammpsInstallation& lammps, int ranks, const std::vector<std::string>& arguments);

}  // namespace grapevine
