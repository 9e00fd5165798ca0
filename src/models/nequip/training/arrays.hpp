#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/equivariant/training/arrays.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine::nequip {

namespace detail {

template <class I, class Function>
void visit_interaction(const std::string& name, I& x, const std::vector<std::string>& species,
                       const Function& function) {
  equivariant::visit_map(name + "mix_input", "mixing", x.mix_input, 1, function);
  equivariant::visit_layers(name + "radial", "radial", x.radial.layers, function);
  equivariant::visit_map(name + "mix_messages", "mixing", x.mix_messages, 1, function);
  for (std::size_t n = 0; n < x.self_connection.size(); ++n) {
    const bool by_species = x.self_connection_kind == SelfConnectionKind::per_species;
    equivariant::visit_map(name + "self_connection." + (by_species ? species[n] : std::to_string(n)), "connection",
                           x.self_connection[n], x.self_connection.size(), function);
  }
  if (x.norm) equivariant::visit_vector(name + "norm", "mixing", x.norm->weight, function);
}

}  // namespace detail

/// Calls function(ParameterArray) for all trainable numbers of `parameters` (constant or not), always in the same
/// order. Not trained are the radial basis, the cutoffs of pairs, the denominators and scales of neighbours, the shares
/// of norms, the repulsion of nuclei, and the scales and shifts of the energy.
template <class P, class Function>
void for_each_array(P& p, const Function& function) {
  equivariant::visit_embedding(p.embedding, p.species.size(), function);
  for (std::size_t t = 0; t < p.interactions.size(); ++t)
    detail::visit_interaction("interaction." + std::to_string(t) + ".", p.interactions[t], p.species, function);
  equivariant::visit_layers("readout", "readout", p.readout, function);
}

}  // namespace grapevine::nequip
