#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "formats/text/extxyz.hpp"
#include "structures/evaluate_frame.hpp"

namespace grapevine {

/// Stress in ASE's sign and units: minus virial over the cell's volume, eV/Angstrom^3. In a structure that is not
/// periodic in all directions it has components between the periodic ones only, the others being zero; the volume is
/// that of the whole cell, empty space included. Nothing for a structure without a periodic direction or whose cell has
/// no volume.
std::optional<std::array<double, 9>> stress_of(const Frame& frame, const FrameResult& result);

/// [atoms][9] the shares of the atoms, which add up to the stress; empty where there is none, or no virials of atoms.
std::vector<double> stresses_of(const Frame& frame, const FrameResult& result);

bool has_stress(const Frame& frame);

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
