#include "models/core/core.hpp"

#include <fmt/format.h>

#include <cmath>

#include "formats/elements.hpp"
#include "models/equivariant/zbl.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr double most_scale = 1e6;

/// 1 up to the inner radius, 0 from the outer one on.
CoreValue switch_value(const CorePair& pair, double distance) {
  const double u = (distance - pair.inner) / (pair.outer - pair.inner);
  if (u <= 0) return {1, 0};
  if (u >= 1) return {0, 0};
  const double rest = 1 - u;
  return {rest * rest * rest * (1 + u * (3 + 6 * u)), -30 * u * u * rest * rest / (pair.outer - pair.inner)};
}

void check_pair(const CorePair& pair, double cutoff) {
  if (pair.outer == 0) return;
  if (!(pair.inner >= 0 && pair.inner < pair.outer && pair.outer <= cutoff))
    throw Error(fmt::format("core: radii {} and {} make no sense with a cutoff of {}", pair.inner, pair.outer, cutoff));
  if (!(pair.scale >= 1 && pair.scale <= most_scale))
    throw Error(fmt::format("core: scale {} is not between 1 and {}", pair.scale, most_scale));
}

}  // namespace

void Core::set(std::size_t a, std::size_t b, const CorePair& value) { pair(a, b) = pair(b, a) = value; }

CoreValue zbl(double first_charge, double second_charge, double distance) {
  static const equivariant::Zbl constants;
  const double length =
      constants.length / (std::pow(first_charge, constants.exponent) + std::pow(second_charge, constants.exponent));
  double screening = 0;
  double slope = 0;
  for (std::size_t n = 0; n < 4; ++n) {
    const double term = constants.coefficient[n] * std::exp(-constants.decay[n] * distance / length);
    screening += term;
    slope -= constants.decay[n] / length * term;
  }
  const double bare = constants.coulomb * first_charge * second_charge / distance;
  return {bare * screening, bare * (slope - screening / distance)};
}

CoreValue core_value(const Core& core, std::size_t a, std::size_t b, double distance) {
  const CorePair& pair = core.pair(a, b);
  if (!(distance < pair.outer)) return {};
  const CoreValue whole = zbl(core.charge[a], core.charge[b], distance);
  const CoreValue part = switch_value(pair, distance);
  return {pair.scale * whole.energy * part.energy,
          pair.scale * (whole.slope * part.energy + whole.energy * part.slope)};
}

Core empty_core(const std::vector<std::string>& species) {
  Core core;
  for (const std::string& symbol : species) {
    const int number = atomic_number(symbol);
    if (number == 0) throw Error(fmt::format("core: the species {} is not an element", symbol));
    core.charge.push_back(number);
  }
  core.pairs.resize(species.size() * species.size());
  return core;
}

void check(const Core& core, double cutoff) {
  for (std::size_t a = 0; a < core.species(); ++a)
    for (std::size_t b = 0; b < core.species(); ++b) {
      check_pair(core.pair(a, b), cutoff);
      if (core.pair(a, b) != core.pair(b, a)) throw Error("core: a pair is not the same both ways");
    }
}

}  // namespace grapevine
