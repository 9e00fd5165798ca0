#pragma once

namespace CLI {
class App;
}

namespace grapevine {

/// Adds `grapevine train`: fits a potential to reference data.
void add_train_command(CLI::App& app);

}  // namespace grapevine
