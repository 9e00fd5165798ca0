#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/archives/torch_archive.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine {

struct SevenNetImportOptions {
  std::optional<std::string> modality;  ///< which one to take of a model of several, e.g. "PBE"
};

struct SevenNetImport {
  nequip::Parameters parameters;
  std::string origin;              ///< version, epoch and modality, for the provenance
  std::vector<std::string> notes;  ///< one line each, for the user
};

inline constexpr const char* sevennet_kind = "SevenNet checkpoint";

/// Whether the archive looks like one of SevenNet's files, readable or not.
bool is_sevennet(const TorchArchive& archive);

/// Reads a training checkpoint of SevenNet (versions 0.9 to 0.13). All constants of e3nn are folded into the weights;
/// a modality becomes part of the biases. Throws Error, naming the file, for other files, for settings and tensors it
/// does not know or support, and if they do not fit together.
SevenNetImport import_sevennet(const TorchArchive& archive, const SevenNetImportOptions& options);

}  // namespace grapevine
