#pragma once

#include <span>
#include <vector>

#include "engine/graph.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// What the first linear maps of networks are seen through in training: W rho + b = W' (rho - mean) / deviation + b'.
/// All inputs of W' are of order one and have no mean, so that steps of the same size mean the same for all of them.
struct InputScaling {
  struct Rho {
    std::vector<double> mean;       ///< [M]
    std::vector<double> deviation;  ///< [M]
  };
  std::vector<std::vector<Rho>> of;  ///< [T + 1][S]; the last are of the readout
};

/// Mean and standard deviation of the invariants over the atoms of `sample`, with the coefficients of pass 0. Species
/// that are not in the sample are not scaled.
InputScaling scaling_of_inputs(const Parameters& parameters, const Graph& sample);

/// The smallest mean over m of rho_m / <rho_m> among the atoms `centres` of a graph, by species, with the coefficients
/// of pass 0 and the means that the readout is scaled by; infinite for species without such an atom.
std::vector<double> least_densities(const Parameters& parameters, const InputScaling& scaling, const Graph& graph,
                                    std::span<const int> centres);

/// From W, b to W', b' in the place of W, b.
void scale_inputs(Parameters& parameters, const InputScaling& scaling);

/// From W', b' to W, b.
void unscale_inputs(Parameters& parameters, const InputScaling& scaling);

/// From a gradient by W, b to that by W', b'.
void scale_input_gradients(Parameters& gradient, const InputScaling& scaling);

}  // namespace grapevine::reann
