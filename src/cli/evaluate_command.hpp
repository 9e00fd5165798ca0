#pragma once

namespace CLI {
class App;
}

namespace grapevine {

/// Adds `grapevine evaluate` to the command line.
void add_evaluate_command(CLI::App& app);

}  // namespace grapevine
