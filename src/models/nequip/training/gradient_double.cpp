#include "models/nequip/training/gradient-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

std::unique_ptr<GradientKernels<Parameters>> make_gradient_in_double(const Parameters& parameters) {
#ifdef GRAPEVINE_WITHOUT_KERNELS
  static_cast<void>(parameters);
  return nullptr;
#else
  return std::make_unique<NequipGradient<double>>(parameters);
#endif
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
