#pragma once

#include <vector>

#include "models/equivariant/activation.hpp"
#include "models/equivariant/gate.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/rms_norm.hpp"

/// Features of an atom without neighbours: they are scalars.
namespace grapevine::equivariant {

/// [irreps][channels] of a list; irreps of other orders than 0 are zero, and empty here.
using Scalars = std::vector<std::vector<double>>;

/// Of an embedding or zeros; `values` are those of all irreps, which are of order 0, one after another.
Scalars scalars_of(const IrrepsList& list, const double* values);
Scalars zero_scalars(const IrrepsList& list);

/// Adds what the map makes of x, its bias included.
void add_mapped(const EquivariantLinear& linear, const Scalars& x, Scalars& y);

void normalise(const RmsNorm& norm, const IrrepsList& list, Scalars& x);

Scalars gated(const Gate& gate, const Scalars& x);

/// One number from the even scalars, in the order of the list.
double read_out(const std::vector<Dense>& layers, const Activation& activation, const IrrepsList& list,
                const Scalars& x);

}  // namespace grapevine::equivariant
