#include "committee/deviation.hpp"

#include <cmath>

namespace grapevine {

void ForceDeviation::start(std::size_t atoms) {
  models_ = 0;
  mean_.assign(3 * atoms, 0.0);
  sigma_.assign(atoms, 0.0);
}

void ForceDeviation::add(std::span<const double> forces) {
  const double share = 1.0 / ++models_;
  for (std::size_t i = 0; i < sigma_.size(); ++i) {
    for (std::size_t k = 3 * i; k < 3 * i + 3; ++k) {
      const double from_mean = forces[k] - mean_[k];
      mean_[k] += share * from_mean;
      sigma_[i] += from_mean * (forces[k] - mean_[k]);
    }
  }
}

std::span<const double> ForceDeviation::finish(double scale) {
  if (models_ == 0) return sigma_;
  for (double& sigma : sigma_) sigma = scale * std::sqrt(sigma / models_);
  return sigma_;
}

double standard_deviation(std::span<const double> values) {
  double mean = 0;
  double squares = 0;
  int count = 0;
  for (const double value : values) {
    const double from_mean = value - mean;
    mean += from_mean / ++count;
    squares += from_mean * (value - mean);
  }
  return count == 0 ? 0 : std::sqrt(squares / count);
}

}  // namespace grapevine
