#include "models/mace/model.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/mace/model_double.cpp"
#include <hwy/foreach_target.h>

#include "models/mace/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

std::shared_ptr<const Model<double>> make_model_in_double(std::shared_ptr<const Parameters> parameters) {
  EdgeKinds kinds(*parameters);
  ExactRadial<double> radial(std::move(kinds.family));
  return std::make_shared<MaceModel<double, ExactRadial<double>>>(std::move(parameters), std::move(radial),
                                                                  std::move(kinds.kind));
}

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace grapevine::mace {

HWY_EXPORT(make_model_in_double);

template <>
std::shared_ptr<const Model<double>> make_mace_model<double>(std::shared_ptr<const Parameters> parameters) {
  return HWY_DYNAMIC_DISPATCH(make_model_in_double)(std::move(parameters));
}

}  // namespace grapevine::mace
#endif
