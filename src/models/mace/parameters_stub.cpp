#include "models/mace/parameters.hpp"

namespace grapevine::mace {

IrrepsList Interaction::messages() const { return equivariant::messages(edge_input(), paths); }

std::size_t Parameters::count() const { return 1000000; }

void check(const Parameters&) {}

RadialWeights radial_weights(const Parameters& parameters, std::size_t t, std::size_t centre, std::size_t neighbour) {
  const Interaction& x = parameters.interactions[t];
  RadialWeights weights{parameters.basis, x.radial, {}, {}, x.denominator, x.density};
  if (!parameters.pair_length.empty())
    weights.basis.transform.length = parameters.pair_length[centre * parameters.species.size() + neighbour];
  for (const Path& path : x.paths) {
    weights.channels.push_back(x.edge_input()[static_cast<std::size_t>(path.input)].channels);
    weights.power.push_back(0);
  }
  return weights;
}

}  // namespace grapevine::mace
