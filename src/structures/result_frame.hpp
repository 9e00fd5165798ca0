#pragma once

#include <array>
#include <optional>

#include "formats/extxyz.hpp"
#include "structures/evaluate_frame.hpp"

namespace grapevine {

/// Stress in ASE's sign and units, minus virial over volume in eV/Angstrom^3; nothing unless the structure is periodic
/// in three directions.
std::optional<std::array<double, 9>> stress_of(const Frame& frame, const FrameResult& result);

/// `frame` with what a potential says of it: info `energy`, `virial`, `stress`, columns `forces`, `energies`. What the
/// frame has under these names (and `free_energy`) is kept as `reference_<name>`, in its place, unless there is one
/// already. Info `evaluated_by=grapevine` marks the frame: in a frame with this mark these names are results of an
/// evaluation before, and are replaced.
Frame with_results(Frame frame, const FrameResult& result);

/// Whether the frame has the mark of with_results.
bool has_results(const Frame& frame);

}  // namespace grapevine
