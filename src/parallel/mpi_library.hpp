#pragma once

#include <mpi.h>

#include <string>

namespace grapevine {

/// The functions of MPI that Grapevine calls, from a library opened at run time: the program itself runs where there is
/// no MPI. Types and constants are those of mpi.h of MPICH, which every library named libmpi.so.12 shares.
struct MpiLibrary {
  std::string path;  ///< for messages

  decltype(&::MPI_Init_thread) init_thread = nullptr;
  decltype(&::MPI_Finalize) finalize = nullptr;
  decltype(&::MPI_Abort) abort = nullptr;
  decltype(&::MPI_Comm_rank) comm_rank = nullptr;
  decltype(&::MPI_Comm_size) comm_size = nullptr;
  decltype(&::MPI_Comm_split_type) comm_split_type = nullptr;
  decltype(&::MPI_Comm_free) comm_free = nullptr;
  decltype(&::MPI_Reduce) reduce = nullptr;
  decltype(&::MPI_Allreduce) allreduce = nullptr;
  decltype(&::MPI_Bcast) bcast = nullptr;
  decltype(&::MPI_Barrier) barrier = nullptr;
};

/// Opens libmpi.so.12: the loader's (LD_LIBRARY_PATH), else that of the Python environment that Grapevine is installed
/// in by pip, else that of the checkout's .venv, else the one recorded when the program was compiled. It stays open
/// until the process ends. Throws Error if there is none.
MpiLibrary open_mpi_library();

}  // namespace grapevine
