#include "models/reann/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/reann/model_float.cpp"
#include <hwy/foreach_target.h>

#include "models/reann/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

template <>
DensityKernelsPointer<float, TabulatedRadial> make_density_kernels(const Parameters& parameters) {
  return make_shaped_density_kernels<float, TabulatedRadial>(parameters);
}

template <>
DensityKernelsPointer<float, ExactRadial<float>> make_density_kernels(const Parameters& parameters) {
  return make_shaped_density_kernels<float, ExactRadial<float>>(parameters);
}

/// `table` is null where radial functions vary too fast for one.
std::shared_ptr<const Model<float>> make_model_in_float(const Parameters& parameters, const RadialTable* table) {
  if (table != nullptr)
    return std::make_shared<ReannModel<float, TabulatedRadial>>(parameters, TabulatedRadial(*table));
  using Exact = ExactRadial<float>;
  return std::make_shared<ReannModel<float, Exact>>(parameters, Exact(parameters, padded(parameters.waves)));
}

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::reann {
HWY_EXPORT(make_model_in_float);

template <>
std::shared_ptr<const Model<float>> make_reann_model<float>(const Parameters& parameters) {
  const std::optional<RadialTable> table = RadialTable::make(
      static_cast<int>(parameters.species.size()), parameters.waves, padded(parameters.waves), parameters.cutoff,
      [&](int species, int k, double r) { return radial_function(parameters, species, k, r); });
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(parameters, table ? &*table : nullptr);
}

}  // namespace grapevine::reann
#endif
