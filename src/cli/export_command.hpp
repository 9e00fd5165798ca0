#pragma once

namespace CLI {
class App;
}

namespace grapevine {

/// `grapevine export`: a model as the input of another program.
void add_export_command(CLI::App& app);

}  // namespace grapevine
