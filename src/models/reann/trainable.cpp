#include "models/reann/trainable.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/atoms_alone.hpp"
#include "models/reann/arrays.hpp"
#include "models/reann/file.hpp"
#include "models/reann/model.hpp"
#include "models/reann/trainable_architecture.hpp"

namespace grapevine::reann {
namespace {

class ReannTrainable final : public Trainable {
 public:
  ReannTrainable(Parameters parameters, const TrainableOptions& options)
      : parameters_(std::move(parameters)),
        shared_mixing_(options.shared_mixing),
        scaling_(options.scaling),
        isolated_atoms_(options.isolated_atoms) {
    check(parameters_);
    if (isolated_atoms_) hold(parameters_, *isolated_atoms_);
    file_contents(parameters_, {});  // throws if networks differ in structure
    if (shared_mixing_) repeat_mixing(parameters_);
    kernels_ =
        options.in_double ? make_gradient_kernels<double>(parameters_) : make_gradient_kernels<float>(parameters_);
    for_each_array(std::as_const(parameters_), [&](const auto& array) {
      if (is_trained(array.name)) parts_.push_back({array.name, array.group, array.rows, array.columns, array.decays});
    });
  }

  const std::vector<ParameterPart>& parts() const override { return parts_; }

  std::vector<double> weights() const override {
    Parameters scaled = parameters_;
    if (isolated_atoms_) release(scaled);
    scale_inputs(scaled, scaling_);
    std::vector<double> weights;
    for_each_array(std::as_const(scaled), [&](const auto& array) {
      if (is_trained(array.name))
        std::transform(array.data, array.data + array.count(), std::back_inserter(weights),
                       [&](double value) { return value / array.unit; });
    });
    return weights;
  }

  void set_weights(std::span<const double> weights, int threads) override {
    auto next = weights.begin();
    for_each_array(parameters_, [&](const auto& array) {
      if (is_trained(array.name))
        for (std::size_t i = 0; i < array.count(); ++i) array.data[i] = *next++ * array.unit;
    });
    unscale_inputs(parameters_, scaling_);
    if (shared_mixing_) repeat_mixing(parameters_);
    if (isolated_atoms_) hold(parameters_, *isolated_atoms_);
    kernels_->assign(parameters_, threads);
  }

  std::unique_ptr<GradientWorker> make_worker() const override { return kernels_->make_worker(); }

  void collect(std::span<const std::unique_ptr<GradientWorker>> workers, std::span<double> gradient) const override {
    Parameters sum = parameters_;
    for_each_array(sum, [](const auto& array) { std::fill_n(array.data, array.count(), 0.0); });
    kernels_->collect(workers, sum);
    if (isolated_atoms_) follow_amplitudes(sum);
    scale_input_gradients(sum, scaling_);
    if (shared_mixing_) add_mixing_to_first(sum);
    auto next = gradient.begin();
    for_each_array(std::as_const(sum), [&](const auto& array) {
      if (is_trained(array.name))
        for (std::size_t i = 0; i < array.count(); ++i) *next++ += array.data[i] * array.unit;
    });
  }

  std::string title() const override { return "REANN"; }
  std::string sizes() const override { return describe_sizes(options_of(parameters_)); }
  const std::vector<std::string>& species() const override { return parameters_.species; }
  double cutoff() const override { return parameters_.cutoff; }
  std::vector<double> energy_shifts() const override { return parameters_.energy_shift; }

  std::shared_ptr<const Potential> potential() const override { return std::make_shared<ReannPotential>(parameters_); }

  FileContents contents(const Provenance& provenance) const override { return file_contents(parameters_, provenance); }

 private:
  /// Adds to a gradient what the switches' amplitudes contribute, which follow from the other weights.
  void follow_amplitudes(Parameters& gradient) const {
    const std::vector<double> slopes = slopes_by_isolated_atoms(gradient, *isolated_atoms_);
    const bool is_switched_off =
        std::all_of(slopes.begin(), slopes.end(), [](double x) { return std::abs(x) < 1e-20; });
    if (!is_switched_off) {
      const AtomsAlone alone(static_cast<int>(slopes.size()));
      std::vector<std::unique_ptr<GradientWorker>> workers;
      workers.push_back(kernels_->make_worker());
      workers.front()->add_gradient(alone, {slopes, std::vector<double>(3 * slopes.size()), {}}, {});
      kernels_->collect(workers, gradient);
    }
    clear_switches(gradient);
  }

  bool is_trained(const std::string& name) const {
    return !shared_mixing_ || !name.starts_with("mixing.") || name.starts_with("mixing.0.");
  }

  static std::size_t layer_size(const Parameters& p) {
    return p.mixing.size() / static_cast<std::size_t>(p.layers + 1);
  }

  static void repeat_mixing(Parameters& p) {
    const std::size_t size = layer_size(p);
    for (std::size_t i = size; i < p.mixing.size(); ++i) p.mixing[i] = p.mixing[i - size];
  }

  static void add_mixing_to_first(Parameters& p) {
    const std::size_t size = layer_size(p);
    for (std::size_t i = size; i < p.mixing.size(); ++i) p.mixing[i % size] += p.mixing[i];
  }

  Parameters parameters_;
  bool shared_mixing_;
  InputScaling scaling_;
  std::optional<IsolatedAtoms> isolated_atoms_;
  std::unique_ptr<GradientKernels> kernels_;
  std::vector<ParameterPart> parts_;
};

}  // namespace

std::unique_ptr<Trainable> make_trainable(Parameters parameters, const TrainableOptions& options) {
  return std::make_unique<ReannTrainable>(std::move(parameters), options);
}

}  // namespace grapevine::reann
