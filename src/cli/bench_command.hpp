#pragma once

namespace CLI {
class App;
}

namespace grapevine {

/// Adds `grapevine bench` and its parts: measurements of whole LAMMPS runs.
void add_bench_command(CLI::App& app);

}  // namespace grapevine
