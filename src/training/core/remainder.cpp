#include "training/core/remainder.hpp"

#include <cmath>

namespace grapevine {
namespace {

/// Each two atoms come both ways, with half of their energy.
void add_edge(const CoreValue& value, double distance, const double* d, int i, int j, CoreTerms& terms) {
  terms.energy += 0.5 * value.energy;
  const double factor = 0.5 * value.slope / distance;
  for (std::size_t n = 0; n < 3; ++n) {
    terms.forces[3 * static_cast<std::size_t>(i) + n] -= factor * d[n];
    terms.forces[3 * static_cast<std::size_t>(j) + n] += factor * d[n];
  }
  for (std::size_t n = 0; n < 9; ++n) terms.virial[n] -= factor * d[n / 3] * d[n % 3];
}

void add(double factor, const CoreTerms& terms, ReferenceValues& reference) {
  if (reference.energy) *reference.energy += factor * terms.energy;
  if (reference.forces)
    for (std::size_t n = 0; n < terms.forces.size(); ++n) (*reference.forces)[n] += factor * terms.forces[n];
  if (reference.virial)
    for (std::size_t n = 0; n < 9; ++n) (*reference.virial)[n] += factor * terms.virial[n];
}

}  // namespace

CoreTerms core_terms(const Core& core, const PreparedFrame& frame) {
  CoreTerms terms;
  terms.forces.assign(3 * frame.species.size(), 0.0);
  terms.pairs.assign(core.pairs.size(), 0);
  for (std::size_t i = 0; i < frame.species.size(); ++i)
    for (std::size_t e = frame.first[i]; e < frame.first[i + 1]; ++e) {
      const int j = frame.neighbour[e];
      const auto a = static_cast<std::size_t>(frame.species[i]);
      const auto b = static_cast<std::size_t>(frame.species[static_cast<std::size_t>(j)]);
      const double* d = &frame.vector[3 * e];
      const double distance = std::hypot(d[0], d[1], d[2]);
      if (distance >= core.pair(a, b).outer) continue;
      add_edge(core_value(core, a, b, distance), distance, d, static_cast<int>(i), j, terms);
      terms.pairs[a * core.species() + b] = 1;
      terms.any = true;
    }
  return terms;
}

std::vector<char> take_off_core(const Core& core, std::span<PreparedFrame> frames) {
  std::vector<char> pairs(core.pairs.size(), 0);
  for (PreparedFrame& frame : frames) {
    const CoreTerms terms = core_terms(core, frame);
    if (!terms.any) continue;
    add(-1, terms, frame.reference);
    for (std::size_t p = 0; p < pairs.size(); ++p) pairs[p] |= terms.pairs[p];
  }
  return pairs;
}

void put_on_core(const Core& core, std::span<const PreparedFrame> frames, std::span<LabelledFrame> labelled) {
  for (std::size_t f = 0; f < frames.size(); ++f) {
    const CoreTerms terms = core_terms(core, frames[f]);
    if (terms.any) add(1, terms, labelled[f].reference);
  }
}

}  // namespace grapevine
