#pragma once

#include <string>

#include "bench/lammps_runner.hpp"
#include "bench/options.hpp"

namespace grapevine::bench {

// Each benchmark runs what it needs, leaves results.json, table.md, charts, inputs and logs in the output folder, and
// returns the text of table.md. All throw Error for options that make no sense, for a run that fails and for files that
// cannot be written, and whatever `hooks.check` throws.

/// Our silver and alloy models against LAMMPS's eam, meam and snap and, if asked for, PyTorch: time per atom and step.
std::string run_comparison(const Options& options, const Hooks& hooks);

/// Models of liquid water, one core, and mace-torch on the same atoms if asked for: time per atom and step.
std::string run_water(const Options& options, const Hooks& hooks);

/// Time against the number of message layers, T = 0 .. most_layers.
std::string run_layers(const Options& options, const Hooks& hooks);

/// A rank's share of a large system computed with ghosts one cutoff deep, and with ghosts (T + 1) cutoffs deep on which
/// every layer is computed anew, as programs without an exchange between layers do it: T = 1 .. most_layers.
std::string run_halo(const Options& options, const Hooks& hooks);

/// Strong and weak scaling over ranks, what was sent, and a projection to a cluster (docs/scaling.md).
std::string run_scaling(const Options& options, const Hooks& hooks);

/// Peak memory against the number of atoms.
std::string run_memory(const Options& options, const Hooks& hooks);

}  // namespace grapevine::bench
