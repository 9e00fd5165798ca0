#pragma once

#include <memory>

#include "parallel/launcher.hpp"
#include "parallel/ranks.hpp"

namespace grapevine {

/// Opens MPI's library and joins the ranks that `launcher` has started. Throws Error if the library is not found or
/// belongs to another MPI than the launcher, and in a program built without mpi.h.
std::unique_ptr<Ranks> join_mpi_ranks(const Launcher& launcher);

}  // namespace grapevine
