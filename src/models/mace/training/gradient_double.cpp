#include "models/mace/training/gradient-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

std::unique_ptr<GradientKernels<Parameters>> make_gradient_in_double(const Parameters& parameters) {
  return std::make_unique<MaceGradient<double>>(parameters);
}

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
