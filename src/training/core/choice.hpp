#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/core/core.hpp"
#include "training/core/contacts.hpp"
#include "training/options/options.hpp"

namespace grapevine {

/// Whether a model gets a core, and what a user should know of it.
struct CoreChoice {
  std::optional<Core> core;
  std::string text;  ///< one line; empty where there is nothing to say
};

/// The core of models of `species` that are trained on data of these contacts, as options.core says; the cutoff is that
/// of options.model. A pair's repulsion begins a little below the shortest distance of the data, so that it does not
/// bear on them; that of a pair that the data do not have, where covalent bonds of the two are. `auto` leaves it out if
/// the data themselves go so far up every pair's repulsive wall that nothing is left to protect. A model to go on from,
/// which the options name, keeps its core, `of_start`, to which pairs with new elements are added; if it has none it
/// gets none by `auto`, as the distances that it was trained on are not known. Throws Error for `zbl` with species that
/// are not elements.
CoreChoice choose_core(const TrainingOptions& options, const std::vector<std::string>& species,
                       const Contacts& contacts, const std::optional<Core>& of_start);

/// Radii and scales of the pairs in a few words, for people.
std::string describe_core(const Core& core, const std::vector<std::string>& species);

}  // namespace grapevine
