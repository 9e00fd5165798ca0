#include "models/mace/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

std::shared_ptr<const Model<float>> make_model_in_float(const std::shared_ptr<const Parameters>& parameters) {
  using Splines = SplineRadial<float>;
  using Exact = ExactSplineRadial<float>;
  EdgeKinds kinds(*parameters);
  equivariant::RadialSplines splines(std::move(kinds.family), parameters->count());
  if (!splines.bearable())
    return std::make_shared<MaceModel<float, Exact>>(parameters, Exact(splines.family()), std::move(kinds.kind),
                                                     contraction_plans(parameters->interactions));
  return std::make_shared<MaceModel<float, Splines>>(parameters, Splines(std::move(splines)), std::move(kinds.kind),
                                                     contraction_plans(parameters->interactions));
}

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
