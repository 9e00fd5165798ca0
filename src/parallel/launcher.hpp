#pragma once

namespace grapevine {

enum class LauncherKind {
  none,
  pmi,  ///< MPICH's Hydra, and Slurm with PMI
  pmix  ///< does not say the number of ranks
};

/// What the environment says of the MPI launcher that started this process.
struct Launcher {
  LauncherKind kind = LauncherKind::none;
  int rank = 0;
  int size = 0;  ///< 0: not said
};

/// Throws Error for several ranks of Open MPI, with which MPICH's library cannot work, and for variables that are no
/// numbers.
Launcher find_launcher();

}  // namespace grapevine
