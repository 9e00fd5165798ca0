#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "formats/text/extxyz.hpp"
#include "models/core/core.hpp"
#include "training/core/contacts.hpp"
#include "training/data/labelled_frame.hpp"

namespace grapevine {

/// Two atoms that are moved towards each other, in a structure where all others stay.
struct Approach {
  Frame frame;
  int moved = 0;
  std::array<double, 3> at{};         ///< of the other atom, or of the image that is meant, Angstrom
  std::array<double, 3> direction{};  ///< from there to the moved one, of length 1
  std::size_t a = 0;                  ///< the species of the two
  std::size_t b = 0;
};

/// Each pair of the core alone in space, and where the data have it closest, without the pairs of `settled`
/// ([species][species]).
std::vector<Approach> find_approaches(const Core& core, const std::vector<std::string>& species,
                                      const Contacts& contacts, std::span<const LabelledFrame> frames,
                                      const std::vector<char>& settled);

/// ZBL of light atoms is a few eV where their core begins, and what a model says of distances that it never saw may be
/// any number. Raises the scales of the core until, in each approach, the energy with the core is a barrier: from the
/// inner radius on to the shortest distances it is above that at the outer radius by what no dynamics of matter has.
Core strengthened(Core core, const Potential& without_core, std::span<const Approach> approaches, int threads);

}  // namespace grapevine
