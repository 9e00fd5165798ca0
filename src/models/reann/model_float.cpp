#include "models/reann/isolated_atoms.hpp"
#include "models/reann/model-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

template <>
std::unique_ptr<const TangentDensityKernels<float>> make_tangent_density_kernels(const Parameters& parameters) {
  return make_shaped_tangent_density_kernels<float>(parameters);
}

template <>
DensityKernelsPointer<float, TabulatedRadial> make_density_kernels(const Parameters& parameters) {
  return make_shaped_density_kernels<float, TabulatedRadial>(parameters);
}

template <>
DensityKernelsPointer<float, ExactRadial<float>> make_density_kernels(const Parameters& parameters) {
  return make_shaped_density_kernels<float, ExactRadial<float>>(parameters);
}

/// The readout network of an isolated atom as the kernels compute it.
template <class Radial>
double output_alone(const ReannModel<float, Radial>& model, int species) {
  const auto& kernel = model.kernel(model.layers(), species);
  const auto rows = [](int count) {
    return simd::AlignedVector<float>(static_cast<std::size_t>(count * lanes<float>));
  };
  const int widest = std::max(kernel.network.widest(), kernel.fused.matrix.padded_rows());
  const auto gram = rows(kernel.fused.inputs());
  auto hidden = rows(widest);
  auto output = rows(widest);
  auto scratch = rows(2 * widest);
  kernel.fused.matrix.multiply(gram.data(), hidden.data());
  kernel.network.template forward<false>(hidden.data(), output.data(), nullptr, scratch.data());
  return static_cast<double>(output[0]);
}

/// Energies that a model is to have for isolated atoms it has to more digits than a float: what rounding makes of its
/// network there goes into the shift.
template <class Radial>
std::shared_ptr<const Model<float>> make_exact_alone(Parameters parameters, const Radial& radial) {
  auto model = std::make_shared<ReannModel<float, Radial>>(parameters, radial);
  if (!held_atoms(parameters)) return model;
  std::vector<double> shift;
  for (int s = 0; s < static_cast<int>(parameters.species.size()); ++s)
    shift.push_back(isolated_atom_energy(parameters, s) - output_alone(*model, s));
  parameters.energy_shift = std::move(shift);
  return std::make_shared<ReannModel<float, Radial>>(parameters, radial);
}

/// `table` is null where radial functions vary too fast for one.
std::shared_ptr<const Model<float>> make_model_in_float(const Parameters& parameters, const RadialTable* table) {
  if (table != nullptr) return make_exact_alone(parameters, TabulatedRadial(*table));
  return make_exact_alone(parameters, ExactRadial<float>(parameters, padded(parameters.waves)));
}

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
