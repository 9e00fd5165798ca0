#include "models/nequip/training/gradient-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

std::unique_ptr<GradientKernels<Parameters>> make_gradient_in_float(const Parameters& parameters) {
  return std::make_unique<NequipGradient<float>>(parameters);
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
