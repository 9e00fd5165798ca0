#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/atoms_alone.hpp"
#include "models/equivariant/training/arrays.hpp"
#include "models/equivariant/training/counting_worker.hpp"
#include "models/gradient_kernels.hpp"
#include "models/isolated_energies.hpp"
#include "models/trainable.hpp"

namespace grapevine::equivariant {

/// Sets the shifts so that isolated atoms have their energies.
template <class Parameters>
void hold_isolated_atoms(Parameters& parameters, const IsolatedEnergies& isolated) {
  for (std::size_t s = 0; s < isolated.size(); ++s)
    if (isolated[s]) parameters.energy_shift[s] = *isolated[s] - lone_atom_energy(parameters, s);
}

/// A potential of an equivariant architecture as a training knows it. Its namespace has for_each_array(Parameters&, f)
/// and lone_atom_energy(parameters, species), without the shift.
///
/// Where an isolated atom has a given energy, its species' shift follows from the weights in every step: it is that
/// energy less what the networks make of an atom without neighbours.
template <class Parameters>
class EquivariantTrainable : public Trainable {
 public:
  /// The parameters are those that the kernels have, and hold isolated atoms already.
  EquivariantTrainable(Parameters parameters, std::unique_ptr<GradientKernels<Parameters>> kernels,
                       IsolatedEnergies isolated, bool trains_basis)
      : parameters_(std::move(parameters)),
        kernels_(std::move(kernels)),
        isolated_(std::move(isolated)),
        trains_basis_(trains_basis) {
    if (std::none_of(isolated_.begin(), isolated_.end(), [](const auto& energy) { return energy.has_value(); }))
      isolated_.clear();
    for_each_trained(std::as_const(parameters_), [&](const auto& array) {
      parts_.push_back({array.name, array.group, array.rows, array.columns, array.decays});
    });
  }

  const std::vector<ParameterPart>& parts() const override { return parts_; }

  std::vector<double> weights() const override {
    std::vector<double> weights;
    for_each_trained(parameters_, [&](const auto& array) {
      std::transform(array.data, array.data + array.count(), std::back_inserter(weights),
                     [&](double value) { return value / array.unit; });
    });
    return weights;
  }

  void set_weights(std::span<const double> weights, int threads) override {
    auto next = weights.begin();
    for_each_trained(parameters_, [&](const auto& array) {
      for (std::size_t i = 0; i < array.count(); ++i) array.data[i] = *next++ * array.unit;
    });
    hold_isolated_atoms(parameters_, isolated_);
    kernels_->assign(parameters_, threads);
  }

  std::unique_ptr<GradientWorker> make_worker() const override {
    if (isolated_.empty()) return kernels_->make_worker();
    return std::make_unique<CountingWorker>(kernels_->make_worker(), isolated_.size());
  }

  void collect(std::span<const std::unique_ptr<GradientWorker>> workers, std::span<double> gradient) const override {
    Parameters sum = parameters_;
    for_each_trained(sum, [](const auto& array) { std::fill_n(array.data, array.count(), 0.0); });
    if (isolated_.empty())
      kernels_->collect(workers, sum);
    else
      collect_counted(workers, sum);
    auto next = gradient.begin();
    for_each_trained(std::as_const(sum), [&](const auto& array) {
      for (std::size_t i = 0; i < array.count(); ++i) *next++ += array.data[i] * array.unit;
    });
  }

  const std::vector<std::string>& species() const override { return parameters_.species; }
  double cutoff() const override { return parameters_.cutoff(); }
  std::vector<double> energy_shifts() const override { return parameters_.energy_shift; }

 protected:
  const Parameters& parameters() const { return parameters_; }

 private:
  template <class P, class Function>
  void for_each_trained(P& parameters, const Function& function) const {
    for_each_array(parameters, function);
    if (trains_basis_) visit_basis(parameters.basis, function);
  }

  /// The shifts that follow from the weights add the gradient of isolated atoms' energies.
  void collect_counted(std::span<const std::unique_ptr<GradientWorker>> workers, Parameters& sum) const {
    std::vector<double> slopes(isolated_.size(), 0.0);
    std::vector<std::unique_ptr<GradientWorker>> inner;
    for (const auto& worker : workers) {
      auto& counting = static_cast<CountingWorker&>(*worker);
      for (std::size_t s = 0; s < slopes.size(); ++s)
        if (isolated_[s]) slopes[s] -= counting.slopes()[s];
      inner.push_back(counting.release());
    }
    kernels_->collect(inner, sum);
    for (std::size_t n = 0; n < workers.size(); ++n)
      static_cast<CountingWorker&>(*workers[n]).take(std::move(inner[n]));
    if (std::all_of(slopes.begin(), slopes.end(), [](double slope) { return slope == 0; })) return;
    const AtomsAlone alone(static_cast<int>(slopes.size()));
    std::vector<std::unique_ptr<GradientWorker>> of_alone;
    of_alone.push_back(kernels_->make_worker());
    of_alone.front()->add_gradient(alone, {slopes, std::vector<double>(3 * slopes.size()), {}}, {});
    kernels_->collect(of_alone, sum);
  }

  Parameters parameters_;
  std::unique_ptr<GradientKernels<Parameters>> kernels_;
  IsolatedEnergies isolated_;
  bool trains_basis_;
  std::vector<ParameterPart> parts_;
};

}  // namespace grapevine::equivariant
