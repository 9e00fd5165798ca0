#include "models/mace/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::mace::HWY_NAMESPACE {

std::shared_ptr<const Model<double>> make_model_in_double(const std::shared_ptr<const Parameters>& parameters) {
  EdgeKinds kinds(*parameters);
  ExactRadial<double> radial(std::move(kinds.family));
  return std::make_shared<MaceModel<double, ExactRadial<double>>>(parameters, std::move(radial), std::move(kinds.kind),
                                                                  contraction_plans(parameters->interactions));
}

}  // namespace grapevine::mace::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
