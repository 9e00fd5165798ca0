#include "models/reann/gradient.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/reann/gradient_float.cpp"
#include <hwy/foreach_target.h>

#include "models/reann/gradient-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

std::unique_ptr<GradientKernels> make_gradient_in_float(const Parameters& parameters) {
  return std::make_unique<ReannGradient<float>>(parameters);
}

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::reann {
HWY_EXPORT(make_gradient_in_float);

template <>
std::unique_ptr<GradientKernels> make_gradient_kernels<float>(const Parameters& parameters) {
  return HWY_DYNAMIC_DISPATCH(make_gradient_in_float)(parameters);
}

}  // namespace grapevine::reann
#endif
