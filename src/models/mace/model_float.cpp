#include "models/mace/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/mace/model_float.cpp"
#include <hwy/foreach_target.h>

#include "models/mace/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

std::shared_ptr<const Model<float>> make_model_in_float(std::shared_ptr<const Parameters> parameters) {
  using Splines = SplineRadial<float>;
  using Exact = ExactSplineRadial<float>;
  EdgeKinds kinds(*parameters);
  equivariant::RadialSplines splines(std::move(kinds.family), parameters->count());
  if (!splines.bearable())
    return std::make_shared<MaceModel<float, Exact>>(std::move(parameters), Exact(splines.family()),
                                                     std::move(kinds.kind));
  return std::make_shared<MaceModel<float, Splines>>(std::move(parameters), Splines(std::move(splines)),
                                                     std::move(kinds.kind));
}

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::mace {

HWY_EXPORT(make_model_in_float);

template <>
std::shared_ptr<const Model<float>> make_mace_model<float>(std::shared_ptr<const Parameters> parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_float)(std::move(parameters));
}

}  // namespace grapevine::mace
#endif
