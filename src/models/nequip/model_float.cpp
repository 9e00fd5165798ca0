#include "models/nequip/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/nequip/model_float.cpp"
#include <hwy/foreach_target.h>

#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

using equivariant::RadialSpline;

/// `splines` are none where the radial networks have to be evaluated.
std::shared_ptr<const Model<float>> make_model_in_float(std::shared_ptr<const Parameters> parameters,
                                                        const std::vector<RadialWeights>& weights,
                                                        const std::vector<RadialSpline>& splines) {
  using Splines = SplineRadial<float>;
  using Exact = ExactSplineRadial<float>;
  if (splines.empty()) return std::make_shared<NequipModel<float, Exact>>(std::move(parameters), Exact(weights));
  return std::make_shared<NequipModel<float, Splines>>(std::move(parameters), Splines(weights, splines));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::nequip {

using equivariant::RadialSpline;

HWY_EXPORT(make_model_in_float);

namespace {

// What all tables of a potential may take together, so that a small file cannot ask for gigabytes.
constexpr double free_bytes = 128 << 20;
constexpr double bytes_per_parameter = 64;

// About the rounding of the largest weights. Activations with kinks are not met by splines: they end far above it.
constexpr double tolerance = 1e-7;
constexpr double bearable = 1e-6;

/// A spline for each interaction, or none at all if one of them is too far off.
std::vector<RadialSpline> fit_splines(const std::vector<RadialWeights>& weights, std::size_t parameter_count) {
  const double all = free_bytes + bytes_per_parameter * static_cast<double>(parameter_count);
  std::vector<RadialSpline> splines;
  for (const RadialWeights& pass : weights) {
    splines.push_back(RadialSpline::fit(pass, tolerance, all / static_cast<double>(weights.size())));
    if (splines.back().error > bearable) return {};
  }
  return splines;
}

}  // namespace

template <>
std::shared_ptr<const Model<float>> make_nequip_model<float>(std::shared_ptr<const Parameters> parameters) {
  const std::vector<RadialWeights> weights = radial_weights(*parameters);
  const std::vector<RadialSpline> splines = fit_splines(weights, parameters->count());
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(std::move(parameters), weights, splines);
}

}  // namespace grapevine::nequip
#endif
