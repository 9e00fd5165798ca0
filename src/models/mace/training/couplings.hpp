#pragma once

#include <vector>

#include "models/mace/parameters.hpp"

namespace grapevine::mace {

/// The terms of all products of up to `degree` components of orders 0 .. message_order, of natural parity, that make
/// irreps of order `order` and natural parity: a basis of such polynomials that is complete, one path for each. Those
/// of one degree are orthogonal: the scalar product of two is that of their symmetric tensors, summed over the
/// components of the irreps, and that of one with itself is 2 order + 1. Paths come by degree; weights are left empty.
/// Degrees are 1 to max_degree.
Contraction complete_contraction(int message_order, int degree, int order);

/// W[m1][m2][m3] of equivariant::Wigner3j up to a positive factor that is the same for all m, for orders that are not
/// known to the compiler. Each m is from -l to l.
double coupling(int l1, int m1, int l2, int m2, int l3, int m3);

}  // namespace grapevine::mace
