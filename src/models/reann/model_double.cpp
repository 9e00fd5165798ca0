#include "models/reann/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/reann/model_double.cpp"
#include <hwy/foreach_target.h>

#include "models/reann/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

template <>
DensityKernelsPointer<double, ExactRadial<double>> make_density_kernels(const Parameters& parameters) {
  return make_shaped_density_kernels<double, ExactRadial<double>>(parameters);
}

std::shared_ptr<const Model<double>> make_model_in_double(const Parameters& parameters) {
  using Exact = ExactRadial<double>;
  return std::make_shared<ReannModel<double, Exact>>(parameters, Exact(parameters, padded(parameters.waves)));
}

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::reann {
HWY_EXPORT(make_model_in_double);

template <>
std::shared_ptr<const Model<double>> make_reann_model<double>(const Parameters& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_double)(parameters);
}

}  // namespace grapevine::reann
#endif
