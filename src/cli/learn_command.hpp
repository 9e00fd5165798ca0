#pragma once

namespace CLI {
class App;
}

namespace grapevine {

/// Adds `grapevine learn`: active learning by the Python package, which runs LAMMPS and the training of this program.
void add_learn_command(CLI::App& app);

}  // namespace grapevine
