#pragma once

namespace CLI {
class App;
}

namespace grapevine {

/// Adds `grapevine lammps`: runs LAMMPS with pair_style grapevine, on any number of ranks, without a path to type.
void add_lammps_command(CLI::App& app);

}  // namespace grapevine
