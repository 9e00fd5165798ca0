#include "parallel/mpi_ranks.hpp"
#include "support/error.hpp"

namespace grapevine {

std::unique_ptr<Ranks> join_mpi_ranks(const Launcher&) {
  throw Error("started by an MPI launcher, but this program was built without mpi.h and runs on one rank only");
}

}  // namespace grapevine
