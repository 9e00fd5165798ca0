#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace grapevine {

/// What a model file holds, as `grapevine info --json` prints it: file, file_bytes, file_sha256, format_version,
/// architecture, species, cutoff (Angstrom), layers, message_width, parameters, number_types, units, hyperparameters,
/// provenance. The file is read through the same checks as for a run. Throws Error.
nlohmann::ordered_json model_information(const std::filesystem::path& path);

}  // namespace grapevine
