#pragma once

namespace CLI {
class App;
}

namespace grapevine {

/// Adds `grapevine info`: prints what a model file holds.
void add_info_command(CLI::App& app);

}  // namespace grapevine
