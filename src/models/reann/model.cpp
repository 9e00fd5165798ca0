#include "models/reann/model.hpp"

#include <utility>

namespace grapevine::reann {

ReannPotential::ReannPotential(Parameters parameters) : parameters_(std::move(parameters)) { check(parameters_); }

std::shared_ptr<const Model<double>> ReannPotential::model_in_double() const {
  return make_reann_model<double>(parameters_);
}

std::shared_ptr<const Model<float>> ReannPotential::model_in_mixed() const {
  return make_reann_model<float>(parameters_);
}

}  // namespace grapevine::reann
