// Chooses the kernels of this processor's instruction set.
#include <memory>
#include <optional>

#include "models/reann/gradient.hpp"
#include "models/reann/model.hpp"
#include "models/reann/parameters.hpp"
#include "models/reann/radial_table.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/reann/dispatch.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

std::shared_ptr<const Model<double>> make_model_in_double(const Parameters& parameters);
std::shared_ptr<const Model<float>> make_model_in_float(const Parameters& parameters, const RadialTable* table);
std::unique_ptr<GradientKernels> make_gradient_in_double(const Parameters& parameters);
std::unique_ptr<GradientKernels> make_gradient_in_float(const Parameters& parameters);

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::reann {
HWY_EXPORT(make_model_in_double);
HWY_EXPORT(make_model_in_float);
HWY_EXPORT(make_gradient_in_double);
HWY_EXPORT(make_gradient_in_float);

template <>
std::shared_ptr<const Model<double>> make_reann_model<double>(const Parameters& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_double)(parameters);
}

template <>
std::shared_ptr<const Model<float>> make_reann_model<float>(const Parameters& parameters) {
  const std::optional<RadialTable> table = RadialTable::make(
      static_cast<int>(parameters.species.size()), parameters.waves, padded(parameters.waves), parameters.cutoff,
      [&](int species, int k, double r) { return radial_function(parameters, species, k, r); });
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(parameters, table ? &*table : nullptr);
}

template <>
std::unique_ptr<GradientKernels> make_gradient_kernels<double>(const Parameters& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_gradient_in_double)(parameters);
}

template <>
std::unique_ptr<GradientKernels> make_gradient_kernels<float>(const Parameters& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_gradient_in_float)(parameters);
}

}  // namespace grapevine::reann
#endif
