#include "models/mace/edge_kinds.hpp"

#include <algorithm>
#include <cstddef>

namespace grapevine::mace {

EdgeKinds::EdgeKinds(const Parameters& parameters) {
  for (std::size_t t = 0; t < parameters.interactions.size(); ++t)
    family.passes.push_back(radial_weights(parameters, t, 0, 0));
  std::vector<double>& lengths = family.lengths;
  lengths = parameters.pair_length;
  std::sort(lengths.begin(), lengths.end());
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  for (const double length : parameters.pair_length)
    kind.push_back(static_cast<int>(std::lower_bound(lengths.begin(), lengths.end(), length) - lengths.begin()));
}

}  // namespace grapevine::mace
