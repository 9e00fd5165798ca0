#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "formats/archives/pickle.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine {

enum class ReannNumbers {
  as_needed,  ///< float32 where every number survives it, else float64
  float32,    ///< rounded
  float64
};

struct ReannExportOptions {
  ReannNumbers numbers = ReannNumbers::as_needed;
  /// eV: REANN's one energy per atom, of all species. Nothing: the model's own where its species share one, else their
  /// mean. What a species has beyond it goes into the biases of its readout network.
  std::optional<double> initpot = {};
  bool distributed = false;  ///< for REANN on several processes: names start with `module.`
};

/// What REANN's own program needs to go on from a model.
struct ReannExport {
  PickleValue checkpoint;     ///< REANN.pth: {'reannparam': state_dict, 'optimizer': AdamW's state before any step}
  std::string input_nn;       ///< para/input_nn
  std::string input_density;  ///< para/input_density
  std::vector<std::string> notes;  ///< one line each, for the user
};

/// Throws Error if REANN cannot express the model (see reann_structure.hpp).
ReannExport export_reann(const reann::Parameters& parameters, const ReannExportOptions& options);

/// Where write_reann() writes: REANN.pth, para/input_nn and para/input_density of `folder`.
std::array<std::filesystem::path, 3> reann_files(const std::filesystem::path& folder);

/// Writes REANN.pth, para/input_nn and para/input_density into `folder`, which is made if it is not there. Throws Error
/// if one of them cannot be written, or is there already and `overwrite` is false.
void write_reann(const std::filesystem::path& folder, const ReannExport& exported, bool overwrite);

}  // namespace grapevine
