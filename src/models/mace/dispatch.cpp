// Chooses the kernels of this processor's instruction set.
#include <memory>
#include <utility>

#include "models/mace/model.hpp"
#include "models/mace/training/gradient.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/mace/dispatch.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

std::shared_ptr<const Model<double>> make_model_in_double(const std::shared_ptr<const Parameters>& parameters);
std::shared_ptr<const Model<float>> make_model_in_float(const std::shared_ptr<const Parameters>& parameters);
std::unique_ptr<GradientKernels<Parameters>> make_gradient_in_double(const Parameters& parameters);
std::unique_ptr<GradientKernels<Parameters>> make_gradient_in_float(const Parameters& parameters);

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::mace {
HWY_EXPORT(make_model_in_double);
HWY_EXPORT(make_model_in_float);
HWY_EXPORT(make_gradient_in_double);
HWY_EXPORT(make_gradient_in_float);

template <>
std::shared_ptr<const Model<double>> make_mace_model<double>(const std::shared_ptr<const Parameters>& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_double)(parameters);
}

template <>
std::shared_ptr<const Model<float>> make_mace_model<float>(const std::shared_ptr<const Parameters>& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(parameters);
}

template <>
std::unique_ptr<GradientKernels<Parameters>> make_gradient_kernels<double>(const Parameters& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_gradient_in_double)(parameters);
}

template <>
std::unique_ptr<GradientKernels<Parameters>> make_gradient_kernels<float>(const Parameters& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_gradient_in_float)(parameters);
}

}  // namespace grapevine::mace
#endif
