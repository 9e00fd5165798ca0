#include "models/nequip/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

std::shared_ptr<const Model<float>> make_model_in_float(const std::shared_ptr<const Parameters>& parameters) {
  using Splines = SplineRadial<float>;
  using Exact = ExactSplineRadial<float>;
  equivariant::RadialSplines splines({radial_weights(*parameters), {}}, parameters->count());
  if (!splines.bearable()) return std::make_shared<NequipModel<float, Exact>>(parameters, Exact(splines.family()));
  return std::make_shared<NequipModel<float, Splines>>(parameters, Splines(std::move(splines)));
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
