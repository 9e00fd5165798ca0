#include "models/reann/gradient-inl.hpp"
#include "models/reann/gradient.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

std::unique_ptr<GradientKernels> make_gradient_in_float(const Parameters& parameters) {
  return std::make_unique<ReannGradient<float>>(parameters);
}

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
