#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine::nequip {

/// The model in the best instruction set that this processor has: in double precision with the radial networks
/// themselves, in float with splines of them. The parameters must have passed check().
template <class Real>
std::shared_ptr<const Model<Real>> make_nequip_model(const std::shared_ptr<const Parameters>& parameters);

template <>
std::shared_ptr<const Model<double>> make_nequip_model<double>(const std::shared_ptr<const Parameters>& parameters);
template <>
std::shared_ptr<const Model<float>> make_nequip_model<float>(const std::shared_ptr<const Parameters>& parameters);

/// A NequIP potential for the engine, in either precision.
class NequipPotential final : public Potential {
 public:
  /// Throws Error if the parameters do not fit together.
  explicit NequipPotential(Parameters parameters);

  const std::vector<std::string>& species() const override { return parameters_->species; }
  double cutoff() const override { return parameters_->cutoff(); }
  int layers() const override { return static_cast<int>(parameters_->interactions.size()) - 1; }
  int width(int t) const override;
  std::size_t parameter_count() const override { return parameters_->count(); }
  double reference_energy(int species) const override {
    return parameters_->energy_shift[static_cast<std::size_t>(species)];
  }
  std::shared_ptr<const Model<double>> model_in_double() const override;
  std::shared_ptr<const Model<float>> model_in_mixed() const override;

 private:
  std::shared_ptr<const Parameters> parameters_;
};

}  // namespace grapevine::nequip
