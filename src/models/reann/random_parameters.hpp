#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/graph.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// Sizes of a REANN potential. The defaults are those of the silver model published with REANN-MPI.
struct Sizes {
  std::vector<std::string> species = {"Ag"};
  double cutoff = 4;                           ///< Angstrom
  int layers = 1;                              ///< T
  int waves = 7;                               ///< K
  int max_order = 2;                           ///< L
  std::vector<int> message_widths = {16, 16};  ///< REANN's oc_nl; one residual block
  std::vector<int> readout_widths = {32, 16};  ///< REANN's nl
  int orbitals = 0;                            ///< M; 0: K (K + 1) / 2 (L + 1), REANN's default
  int message_blocks = 1;                      ///< residual blocks
  int readout_blocks = 1;
  ActivationKind activation = ActivationKind::relu_like;
  bool layer_norm = true;
};

/// A potential of random weights with orbitals M = K (K + 1) / 2 (L + 1), REANN's default, and networks as
/// the sizes say. The numbers depend on sizes and seed alone, not on the platform.
/// Messages stay small however many layers there are, and forces are some meV/Angstrom, so that they hardly move the
/// atoms in a short run: such a model costs what a trained one costs, but holds no crystal.
/// Throws Error if the sizes are not those of a model.
Parameters random_parameters(const Sizes& sizes, std::uint64_t seed);

/// The potential a training starts from: radial waves spread from the shortest distance in `sample` to the cutoff,
/// small random messages and energies, and first linear maps for invariants of mean 0 and variance 1: they are the W',
/// b' of InputScaling. Throws Error if the sizes are not those of a model.
Parameters initial_parameters(const Sizes& sizes, std::uint64_t seed, const Graph& sample);

}  // namespace grapevine::reann
