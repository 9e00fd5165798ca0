#include "models/equivariant/radial_splines.hpp"

#include <algorithm>
#include <utility>

namespace grapevine::equivariant {
namespace {

// What all tables of a potential may take together, so that a small file cannot ask for gigabytes.
constexpr double free_bytes = 128 << 20;
constexpr double bytes_per_parameter = 64;
// Of how many kinds a system is expected to have edges at most.
constexpr std::size_t usual_kinds = 16;

// About the rounding of the largest weights. Activations with kinks are not met by splines: they end far above it.
constexpr double tolerance = 1e-7;
constexpr double bearable_error = 1e-6;

}  // namespace

RadialBasis RadialFamily::basis(std::size_t pass, std::size_t kind) const {
  RadialBasis basis = passes[pass].basis;
  if (!lengths.empty()) basis.transform.length = lengths[kind];
  return basis;
}

RadialSplines::RadialSplines(RadialFamily family, std::size_t parameters)
    : family_(std::move(family)), fitted_(family_.passes.size() * family_.kinds()) {
  const auto tables = static_cast<double>(family_.passes.size() * std::min(family_.kinds(), usual_kinds));
  most_bytes_ = (free_bytes + bytes_per_parameter * static_cast<double>(parameters)) / tables;
  const auto [shortest, longest] = std::minmax_element(family_.lengths.begin(), family_.lengths.end());
  for (std::size_t pass = 0; pass < family_.passes.size(); ++pass)
    for (const auto at : {shortest, longest}) {
      const auto kind = static_cast<std::size_t>(at - family_.lengths.begin());
      std::optional<RadialSpline>& spline = fitted_[pass * family_.kinds() + kind];
      if (!spline) spline = fit(pass, kind);
      bearable_ = bearable_ && spline->error <= bearable_error;
      if (!bearable_) return;
    }
}

RadialSpline RadialSplines::take(std::size_t pass, std::size_t kind) {
  std::optional<RadialSpline>& fitted = fitted_[pass * family_.kinds() + kind];
  if (!fitted) return fit(pass, kind);
  RadialSpline spline = std::move(*fitted);
  fitted.reset();
  return spline;
}

RadialSpline RadialSplines::fit(std::size_t pass, std::size_t kind) const {
  RadialWeights weights = family_.passes[pass];
  weights.basis = family_.basis(pass, kind);
  return RadialSpline::fit(weights, tolerance, most_bytes_);
}

}  // namespace grapevine::equivariant
