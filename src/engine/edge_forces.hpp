#pragma once

#include "engine/graph.hpp"

namespace grapevine {

/// Adds the forces of a block's edges to `forces` [own + ghosts][3]: with g = unit * dE/dd, d = r_i - r_j, the centre i
/// gets -g and j gets +g. `edge_gradient` is [edges][4].
void add_edge_forces(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* forces);
void add_edge_forces(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* forces);

/// Adds -sum of unit * d (x) dE/dd over a block's edges to `virial` [9], row-major. The gradients of four edges behind
/// the last have to be zero.
void add_edge_virial(const EdgeBlock<float>& edges, const float* edge_gradient, double unit, double* virial);
void add_edge_virial(const EdgeBlock<double>& edges, const double* edge_gradient, double unit, double* virial);

}  // namespace grapevine
