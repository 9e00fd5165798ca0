#pragma once

namespace CLI {
class App;
}

namespace grapevine {

/// Adds `grapevine import`: makes a model file from a REANN checkpoint, TorchScript file or LibTorch archive.
void add_import_command(CLI::App& app);

}  // namespace grapevine
