#pragma once

#include "engine/graph.hpp"

namespace grapevine {

/// Adds the forces of a block's edges to `forces` [own + ghosts][3]: with g = unit * dE/dd, d = r_i - r_j, the centre i
/// gets -g and j gets +g. `edge_gradient` is [edges][4].
void add_edge_forces(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* forces);
void add_edge_forces(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* forces);

}  // namespace grapevine
