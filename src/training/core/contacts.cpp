#include "training/core/contacts.hpp"

#include <cmath>

namespace grapevine {
namespace {

void look_at(const PreparedFrame& frame, std::size_t number, Contacts& contacts) {
  for (std::size_t i = 0; i < frame.species.size(); ++i)
    for (std::size_t e = frame.first[i]; e < frame.first[i + 1]; ++e) {
      const int j = frame.neighbour[e];
      const auto a = static_cast<std::size_t>(frame.species[i]);
      const auto b = static_cast<std::size_t>(frame.species[static_cast<std::size_t>(j)]);
      if (a > b) continue;  // the same two atoms come the other way round, too
      const double* d = &frame.vector[3 * e];
      Contact& shortest = contacts.pairs[a * contacts.species + b];
      const double distance = std::hypot(d[0], d[1], d[2]);
      if (distance < shortest.distance) shortest = {distance, number, static_cast<int>(i), j, {d[0], d[1], d[2]}};
    }
}

}  // namespace

Contacts find_contacts(std::span<const PreparedFrame> frames, std::size_t species) {
  Contacts contacts{species, std::vector<Contact>(species * species)};
  for (std::size_t f = 0; f < frames.size(); ++f) look_at(frames[f], f, contacts);
  return contacts;
}

Contacts shorter_of(const Contacts& first, const Contacts& second) {
  Contacts shorter = first;
  for (std::size_t p = 0; p < shorter.pairs.size(); ++p)
    if (second.pairs[p].distance < first.pairs[p].distance) shorter.pairs[p] = second.pairs[p];
  return shorter;
}

}  // namespace grapevine
