#pragma once

#include <memory>
#include <optional>

#include "models/reann/gradient.hpp"
#include "models/reann/input_scaling.hpp"
#include "models/reann/isolated_atoms.hpp"
#include "models/reann/parameters.hpp"
#include "models/trainable.hpp"

namespace grapevine::reann {

/// How a REANN potential is to be trained.
struct TrainableOptions {
  bool shared_mixing = false;  ///< one set of mixing coefficients for all layers; those of layer 0 count at the start
  bool in_double = false;      ///< otherwise kernels work in float
  InputScaling scaling;        ///< that weights are given and taken in; none if empty
  std::optional<IsolatedAtoms> isolated_atoms = {};  ///< held at all times, by the last number of the readout's stream
};

/// Throws Error if the parameters do not fit together, or networks of one layer differ in structure from species to
/// species.
std::unique_ptr<Trainable> make_trainable(Parameters parameters, const TrainableOptions& options);

}  // namespace grapevine::reann
