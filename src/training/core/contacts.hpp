#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "training/data/prepared_frame.hpp"

namespace grapevine {

/// The two atoms of some data, of two species, that are closest to each other.
struct Contact {
  double distance = std::numeric_limits<double>::infinity();  ///< Angstrom; infinite: none within the cutoff
  std::size_t frame = 0;
  int first = 0;                      ///< atom of the species of lower index
  int second = 0;                     ///< the other one, of which an image may be meant
  std::array<double, 3> vector = {};  ///< r_first - r_second, Angstrom
};

/// Of each two species.
struct Contacts {
  std::size_t species = 0;
  std::vector<Contact> pairs;  ///< [species][species]; only those with a <= b are filled

  const Contact& pair(std::size_t a, std::size_t b) const { return pairs[a <= b ? a * species + b : b * species + a]; }
};

Contacts find_contacts(std::span<const PreparedFrame> frames, std::size_t species);

/// The shorter one of each pair.
Contacts shorter_of(const Contacts& first, const Contacts& second);

}  // namespace grapevine
