#include "models/equivariant/radial_basis.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

#include "models/equivariant/linear.hpp"
#include "support/error.hpp"

namespace grapevine::equivariant {
namespace {

/// Brooks et al., J. Comput. Chem. 4, 187 (1983).
CutoffValue xplor_cutoff(double r, double cutoff, double onset) {
  if (r >= cutoff) return {0, 0};
  if (r < onset) return {1, 0};
  const double width = cutoff * cutoff - onset * onset;
  const double rest = cutoff * cutoff - r * r;
  const double scale = 1 / (width * width * width);
  return {scale * rest * rest * (cutoff * cutoff + 2 * r * r - 3 * onset * onset),
          scale * 12 * r * rest * (onset * onset - r * r)};
}

// With x^q / (1 + x^(q - p)) as x^p / (1 + x^(p - q)), which is finite at zero.
CutoffValue agnesi(const DistanceTransform& t, double r) {
  const double x = r / t.length;
  const double ratio = std::pow(x, t.p - t.q);
  const double fraction = t.a * std::pow(x, t.p) / (1 + ratio);
  const double exponent = t.p - (t.p - t.q) * ratio / (1 + ratio);
  const double value = 1 / (1 + fraction);
  return {value, -value * value * fraction * exponent / r};
}

CutoffValue soft(const DistanceTransform& t, double r) {
  const double start = 0.75 * t.length;
  const double end = 4.0 / 3.0 * t.length;
  const double steepness = t.steepness / (end - start);
  const double step = std::tanh(steepness * (r - 0.5 * (start + end)));
  const double share = 0.5 * (1 + step);
  return {start + (r - start) * share, share + (r - start) * 0.5 * steepness * (1 - step * step)};
}

void check_transform(const DistanceTransform& t) {
  if (t.kind == TransformKind::none) return;
  for (const double number : {t.length, t.a, t.steepness})
    if (!(number > 0 && std::isfinite(number)))
      throw Error(fmt::format("a transform of distances with a constant of {} makes no sense", number));
  if (!(t.q > 0 && t.p > t.q && t.p < 100))
    throw Error(fmt::format("a transform of distances with powers {} and {} makes no sense", t.q, t.p));
}

}  // namespace

CutoffValue transformed_distance(const DistanceTransform& transform, double r) {
  switch (transform.kind) {
    case TransformKind::agnesi: return agnesi(transform, r);
    case TransformKind::soft: return soft(transform, r);
    case TransformKind::none: break;
  }
  return {r, 1};
}

CutoffValue polynomial_cutoff(double r, double cutoff, int power) {
  if (r >= cutoff) return {0, 0};
  const double p = power;
  const double x = r / cutoff;
  const double x_power = std::pow(x, p - 1);
  const double a = (p + 1) * (p + 2) / 2;
  const double b = p * (p + 2);
  const double c = p * (p + 1) / 2;
  return {1 - x_power * x * (a - x * (b - x * c)), -x_power * (a * p - x * (b * (p + 1) - x * c * (p + 2))) / cutoff};
}

CutoffValue RadialBasis::cutoff_function(double r) const {
  return cutoff_kind == CutoffKind::xplor ? xplor_cutoff(r, cutoff, cutoff_onset)
                                          : polynomial_cutoff(r, cutoff, cutoff_power);
}

void RadialBasis::evaluate(double r, std::vector<double>& value, std::vector<double>& slope) const {
  const CutoffValue f = cutoff_function(r);
  const CutoffValue x = transformed_distance(transform, r);
  const auto size = static_cast<std::size_t>(functions());
  value.resize(size);
  slope.resize(size);
  for (std::size_t n = 0; n < size; ++n) {
    const CutoffValue b = function(n, x.value);
    value[n] = b.value * f.value;
    slope[n] = b.slope * x.slope * f.value + b.value * f.slope;
  }
}

CutoffValue RadialBasis::function(std::size_t n, double x) const {
  if (kind == BasisKind::gaussian) {
    const double from_centre = (x - centre[n]) / width;
    const double value = std::exp(-0.5 * from_centre * from_centre);
    return {value, -from_centre / width * value};
  }
  const double k = frequency[n];
  const double value = prefactor * std::sin(k * x) / x;
  return {value, (prefactor * k * std::cos(k * x) - value) / x};
}

void check_basis(const RadialBasis& basis) {
  if (!(basis.cutoff > 0) || basis.cutoff > 100)
    throw Error(fmt::format("a cutoff of {} Angstrom makes no sense", basis.cutoff));
  if (basis.functions() == 0) throw Error("it has no radial basis functions");
  check_values("radial frequency", basis.frequency, basis.frequency.size());
  check_values("radial centre", basis.centre, basis.centre.size());
  if (basis.kind == BasisKind::gaussian && !(basis.width > 0 && std::isfinite(basis.width)))
    throw Error(fmt::format("Gaussians of width {} Angstrom make no sense", basis.width));
  check_transform(basis.transform);
  if (!std::isfinite(basis.prefactor)) throw Error("the factor of the radial basis is not finite");
  if (basis.cutoff_kind == CutoffKind::polynomial && !(basis.cutoff_power >= 1 && basis.cutoff_power <= 100))
    throw Error(fmt::format("a cutoff polynomial of power {} makes no sense", basis.cutoff_power));
  if (basis.cutoff_kind == CutoffKind::xplor && !(basis.cutoff_onset >= 0 && basis.cutoff_onset < basis.cutoff))
    throw Error(
        fmt::format("a cutoff function from {} to {} Angstrom makes no sense", basis.cutoff_onset, basis.cutoff));
}

}  // namespace grapevine::equivariant
