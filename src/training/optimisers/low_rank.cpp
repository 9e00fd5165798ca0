#include "training/optimisers/low_rank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/random_numbers.hpp"
#include "support/error.hpp"

namespace grapevine {
namespace {

/// A matrix of the whole model, and where it and what changes it begin among the weights.
struct Changed {
  std::size_t rows = 0, columns = 0;
  std::size_t whole = 0;  // among those of the whole model
  std::size_t left = 0;   // A, among the free ones
  std::size_t right = 0;  // B
};

/// Weights that are free as they are.
struct Free {
  std::size_t count = 0;
  std::size_t whole = 0;
  std::size_t free = 0;
};

class LowRankTrainable final : public Trainable {
 public:
  LowRankTrainable(std::unique_ptr<Trainable> model, std::size_t rank, std::uint64_t seed)
      : model_(std::move(model)), rank_(rank), start_(model_->weights()) {
    choose_parts();
    // A change of B by some length changes the matrix by about as much.
    RandomNumbers random(seed);
    for (const Changed& matrix : changed_)
      std::generate_n(weights_.begin() + static_cast<std::ptrdiff_t>(matrix.left), matrix.rows * rank_,
                      [&] { return random.normal() / std::sqrt(static_cast<double>(rank_)); });
  }

  const std::vector<ParameterPart>& parts() const override { return parts_; }
  std::vector<double> weights() const override { return weights_; }

  void set_weights(std::span<const double> weights, int threads) override {
    weights_.assign(weights.begin(), weights.end());
    std::vector<double> whole = start_;
    for (const Free& part : free_) std::copy_n(&weights_[part.free], part.count, &whole[part.whole]);
    for (const Changed& matrix : changed_) add_product(matrix, whole);
    model_->set_weights(whole, threads);
  }

  std::unique_ptr<GradientWorker> make_worker() const override { return model_->make_worker(); }

  void collect(std::span<const std::unique_ptr<GradientWorker>> workers, std::span<double> gradient) const override {
    std::vector<double> whole(start_.size(), 0.0);
    model_->collect(workers, whole);
    for (const Free& part : free_)
      for (std::size_t i = 0; i < part.count; ++i) gradient[part.free + i] += whole[part.whole + i];
    for (const Changed& matrix : changed_) add_gradient(matrix, whole, gradient);
  }

  std::string title() const override { return model_->title(); }
  std::string sizes() const override { return model_->sizes(); }
  const std::vector<std::string>& species() const override { return model_->species(); }
  double cutoff() const override { return model_->cutoff(); }
  std::vector<double> energy_shifts() const override { return model_->energy_shifts(); }
  std::shared_ptr<const Potential> potential() const override { return model_->potential(); }
  FileContents contents(const Provenance& provenance) const override { return model_->contents(provenance); }

 private:
  void choose_parts() {
    std::size_t whole = 0;
    std::size_t next = 0;
    const auto add = [&](const ParameterPart& part) {
      parts_.push_back(part);
      return std::exchange(next, next + part.count());
    };
    for (const ParameterPart& part : model_->parts()) {
      if (part.rows > rank_ && part.columns > rank_) {
        const std::size_t left = add({part.name + ".left", part.group, part.rows, rank_, part.decays});
        const std::size_t right = add({part.name + ".right", part.group, rank_, part.columns, part.decays});
        changed_.push_back({part.rows, part.columns, whole, left, right});
      } else if (part.rows > 1 && part.columns > 1) {
        free_.push_back({part.count(), whole, add(part)});
      }
      whole += part.count();
    }
    if (changed_.empty())
      throw Error(fmt::format("low_rank is {}, and no matrix of the model is larger in both directions", rank_));
    weights_.assign(next, 0.0);
    for (const Free& part : free_) std::copy_n(&start_[part.whole], part.count, &weights_[part.free]);
  }

  void add_product(const Changed& m, std::vector<double>& whole) const {
    for (std::size_t i = 0; i < m.rows; ++i)
      for (std::size_t r = 0; r < rank_; ++r) {
        const double a = weights_[m.left + i * rank_ + r];
        const double* b = &weights_[m.right + r * m.columns];
        double* to = &whole[m.whole + i * m.columns];
        for (std::size_t j = 0; j < m.columns; ++j) to[j] += a * b[j];
      }
  }

  /// dA = dW B^T, dB = A^T dW.
  void add_gradient(const Changed& m, const std::vector<double>& whole, std::span<double> gradient) const {
    for (std::size_t i = 0; i < m.rows; ++i)
      for (std::size_t r = 0; r < rank_; ++r) {
        const std::size_t at = m.left + i * rank_ + r;
        const double* slope = &whole[m.whole + i * m.columns];
        for (std::size_t j = 0; j < m.columns; ++j) {
          const std::size_t to = m.right + r * m.columns + j;
          gradient[at] += slope[j] * weights_[to];
          gradient[to] += slope[j] * weights_[at];
        }
      }
  }

  std::unique_ptr<Trainable> model_;
  std::size_t rank_;
  std::vector<double> start_;  // weights of the whole model
  std::vector<Changed> changed_;
  std::vector<Free> free_;
  std::vector<ParameterPart> parts_;
  std::vector<double> weights_;
};

}  // namespace

std::unique_ptr<Trainable> make_low_rank(std::unique_ptr<Trainable> model, int rank, std::uint64_t seed) {
  return std::make_unique<LowRankTrainable>(std::move(model), static_cast<std::size_t>(rank), seed);
}

}  // namespace grapevine
