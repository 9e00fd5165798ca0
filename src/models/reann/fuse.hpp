#pragma once

#include <vector>

#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// The first linear map behind the density of pass t, as a map [outputs][(L + 1) K (K + 1) / 2] from the distinct Gram
/// entries (order, k <= k').
std::vector<double> fuse_with_mixing(const Parameters& parameters, int t, const Linear& linear);

}  // namespace grapevine::reann
