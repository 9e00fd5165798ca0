#include "models/reann/gradient-inl.hpp"
#include "models/reann/gradient.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

std::unique_ptr<GradientKernels> make_gradient_in_double(const Parameters& parameters) {
  return std::make_unique<ReannGradient<double>>(parameters);
}

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
