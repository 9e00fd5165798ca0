#include "models/reann/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

template <>
std::unique_ptr<const TangentDensityKernels<double>> make_tangent_density_kernels(const Parameters& parameters) {
  return make_shaped_tangent_density_kernels<double>(parameters);
}

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
