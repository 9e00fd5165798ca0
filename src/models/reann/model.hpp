#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/model.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// The model in the best instruction set that this processor has. The parameters must have passed check().
template <class Real>
std::shared_ptr<const Model<Real>> make_reann_model(const Parameters& parameters);

template <>
std::shared_ptr<const Model<double>> make_reann_model<double>(const Parameters& parameters);
template <>
std::shared_ptr<const Model<float>> make_reann_model<float>(const Parameters& parameters);

/// A REANN potential for the engine, in either precision.
class ReannPotential final : public Potential {
 public:
  /// Throws Error if the parameters do not fit together.
  explicit ReannPotential(Parameters parameters);

  const std::vector<std::string>& species() const override { return parameters_.species; }
  double cutoff() const override { return parameters_.cutoff; }
  int layers() const override { return parameters_.layers; }
  int width(int) const override { return parameters_.waves; }
  std::size_t parameter_count() const override { return parameters_.count(); }
  double reference_energy(int species) const override { return parameters_.energy_shift[species]; }
  std::shared_ptr<const Model<double>> model_in_double() const override;
  std::shared_ptr<const Model<float>> model_in_mixed() const override;

 private:
  Parameters parameters_;
};

}  // namespace grapevine::reann
