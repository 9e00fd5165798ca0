#include "training/losses/loss.hpp"

#include <array>
#include <cmath>

namespace grapevine {
namespace {

/// What each of `count` terms counts in a mean, times its weight.
double share(double weight, std::size_t count) { return weight > 0 ? weight / static_cast<double>(count) : 0; }

double root_mean(double sum, double count) { return count > 0 ? std::sqrt(sum / count) : 0; }

/// Huber's loss: x^2 up to the limit, 2 limit |x| - limit^2 beyond.
struct Term {
  double value, slope;

  Term(double x, double limit) : value(x * x), slope(2 * x) {
    if (limit <= 0 || std::abs(x) <= limit) return;
    value = limit * (2 * std::abs(x) - limit);
    slope = std::copysign(2 * limit, x);
  }
};

class BatchLoss {
 public:
  BatchLoss(const FrameBatch& batch, const BatchPrediction& prediction, const LossWeights& weights,
            const ReferenceCounts& counts, LossSlopes* slopes)
      : batch_(batch), prediction_(prediction), weights_(weights), counts_(counts), slopes_(slopes) {
    if (slopes_ == nullptr) return;
    const auto own = static_cast<std::size_t>(batch.own());
    slopes_->energy.assign(own, 0.0);
    slopes_->forces.assign(3 * own, 0.0);
    slopes_->virial.assign(has_virials() ? 9 * own : 0, 0.0);
  }

  LossSums sum() {
    for (std::size_t f = 0; f < batch_.frames().size(); ++f) {
      const ReferenceValues& reference = batch_.frames()[f]->reference;
      structure_ = batch_.frames()[f]->weights;
      begin_ = static_cast<std::size_t>(batch_.first_atom(f));
      end_ = static_cast<std::size_t>(batch_.first_atom(f + 1));
      if (reference.energy) add_energy(*reference.energy);
      if (reference.forces) add_forces(*reference.forces);
      if (reference.virial && has_virials()) add_virial(*reference.virial);
    }
    return sums_;
  }

 private:
  bool has_virials() const { return weights_.virial > 0 && counts_.virials > 0 && !prediction_.virials.empty(); }
  double atoms() const { return static_cast<double>(end_ - begin_); }

  void add_energy(double reference) {
    double energy = 0;
    for (std::size_t i = begin_; i < end_; ++i) energy += prediction_.energies[i];
    const double error = (energy - reference) / atoms();
    const Term term(error, weights_.energy_limit);
    const double weight = share(weights_.energy * structure_.energy, counts_.energies);
    sums_.loss += weight * term.value;
    sums_.energy_squares += error * error;
    sums_.energies += 1;
    if (slopes_ != nullptr)
      for (std::size_t i = begin_; i < end_; ++i) slopes_->energy[i] = weight * term.slope / atoms();
  }

  void add_forces(const std::vector<double>& reference) {
    const double weight = share(weights_.forces * structure_.forces, counts_.force_components);
    for (std::size_t n = 3 * begin_; n < 3 * end_; ++n) {
      const double error = prediction_.forces[n] - reference[n - 3 * begin_];
      const Term term(error, weights_.forces_limit);
      sums_.loss += weight * term.value;
      sums_.force_squares += error * error;
      sums_.force_components += 1;
      if (slopes_ != nullptr) slopes_->forces[n] = weight * term.slope;
    }
  }

  void add_virial(const std::array<double, 9>& reference) {
    const double weight = share(weights_.virial * structure_.virial, 9 * counts_.virials);
    for (std::size_t n = 0; n < 9; ++n) {
      double virial = 0;
      for (std::size_t i = begin_; i < end_; ++i) virial += prediction_.virials[9 * i + n];
      const double error = (virial - reference[n]) / atoms();
      const Term term(error, weights_.virial_limit);
      sums_.loss += weight * term.value;
      sums_.virial_squares += error * error / 9;
      if (slopes_ != nullptr)
        for (std::size_t i = begin_; i < end_; ++i) slopes_->virial[9 * i + n] = weight * term.slope / atoms();
    }
    sums_.virials += 1;
  }

  const FrameBatch& batch_;
  const BatchPrediction& prediction_;
  const LossWeights& weights_;
  const ReferenceCounts& counts_;
  LossSlopes* slopes_;
  LossSums sums_;
  StructureWeights structure_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace

LossSums& LossSums::operator+=(const LossSums& other) {
  loss += other.loss;
  energy_squares += other.energy_squares;
  force_squares += other.force_squares;
  virial_squares += other.virial_squares;
  energies += other.energies;
  force_components += other.force_components;
  virials += other.virials;
  return *this;
}

double LossSums::energy_rmse() const { return root_mean(energy_squares, energies); }
double LossSums::force_rmse() const { return root_mean(force_squares, force_components); }
double LossSums::virial_rmse() const { return root_mean(virial_squares, virials); }

LossSums loss_of(const FrameBatch& batch, const BatchPrediction& prediction, const LossWeights& weights,
                 const ReferenceCounts& counts, LossSlopes* slopes) {
  return BatchLoss(batch, prediction, weights, counts, slopes).sum();
}

}  // namespace grapevine
