#pragma once

#include <array>
#include <optional>
#include <string>

#include "formats/extxyz.hpp"
#include "structures/evaluate_frame.hpp"

namespace grapevine {

/// Stress in ASE's sign and units, minus virial over volume in eV/Angstrom^3; nothing unless the structure is periodic
/// in three directions.
std::optional<std::array<double, 9>> stress_of(const Frame& frame, const FrameResult& result);

/// Where results come from.
struct Origin {
  std::string model;         ///< name of the model file, without its folder
  std::string model_sha256;  ///< of that file
  std::string precision;     ///< "double" or "mixed"
  std::string version;       ///< of Grapevine
};

/// `frame` with what a potential says of it: info `energy`, `virial`, `stress`, columns `forces`, `energies`, and info
/// `grapevine_model`, `grapevine_model_sha256`, `grapevine_precision`, `grapevine_version` with their origin. What the
/// frame has under these names (and `free_energy`) is kept as `reference_<name>`, in its place, unless there is one
/// already. Info `evaluated_by=grapevine` marks the frame: in a frame with this mark these names are results of an
/// evaluation before, and are replaced.
Frame with_results(Frame frame, const FrameResult& result, const Origin& origin);

/// Whether the frame has the mark of with_results.
bool has_results(const Frame& frame);

}  // namespace grapevine
