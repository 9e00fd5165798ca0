#include "models/nequip/radial_splines.hpp"

namespace grapevine::nequip {
namespace {

using equivariant::RadialSpline;

// What all tables of a potential may take together, so that a small file cannot ask for gigabytes.
constexpr double free_bytes = 128 << 20;
constexpr double bytes_per_parameter = 64;

// About the rounding of the largest weights. Activations with kinks are not met by splines: they end far above it.
constexpr double tolerance = 1e-7;
constexpr double bearable = 1e-6;

}  // namespace

std::vector<RadialSpline> fit_splines(const Parameters& parameters) {
  const std::vector<RadialWeights> weights = radial_weights(parameters);
  const double all = free_bytes + bytes_per_parameter * static_cast<double>(parameters.count());
  std::vector<RadialSpline> splines;
  for (const RadialWeights& pass : weights) {
    splines.push_back(RadialSpline::fit(pass, tolerance, all / static_cast<double>(weights.size())));
    if (splines.back().error > bearable) return {};
  }
  return splines;
}

}  // namespace grapevine::nequip
