#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/error_statistics.hpp"

namespace grapevine {

/// Errors as `grapevine evaluate --json` prints them: energy_per_atom, forces, forces_by_species and virial_per_atom,
/// of those there are, each with values (how many), mae, rmse, maximum, worst_frame and worst_atom (from 1).
nlohmann::ordered_json errors_json(const PotentialErrors& errors);

}  // namespace grapevine
