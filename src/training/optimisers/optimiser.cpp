#include "training/optimisers/optimiser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "dense/matrix.hpp"
#include "support/error.hpp"
#include "threads/shares.hpp"
#include "threads/thread_count.hpp"

namespace grapevine {
namespace {

constexpr double beta1 = 0.9;
constexpr double beta2 = 0.999;
constexpr double epsilon = 1e-10;
constexpr double longest = 1;  // step, in learning rates: that of a gradient that never changes

// With less each, threads wait for each other longer than they help.
constexpr double least_weights_per_thread = 10000;
constexpr double least_in_matrices_per_thread = 200;

/// Adam's moments of a run of numbers.
struct Moments {
  std::span<double> mean, square;

  /// The direction in which Adam goes, for the gradient's number i at step `steps`. Where gradients grow suddenly, or
  /// an eigenvector has turned, the second moment lags behind, and the step would be many times as long as it should.
  double direction(std::size_t i, double gradient, double correction1, double correction2) const {
    mean[i] = beta1 * mean[i] + (1 - beta1) * gradient;
    square[i] = beta2 * square[i] + (1 - beta2) * gradient * gradient;
    return std::clamp(mean[i] / correction1 / (std::sqrt(square[i] / correction2) + epsilon), -longest, longest);
  }
};

std::size_t count_all(const std::vector<ParameterPart>& parts) {
  std::size_t count = 0;
  for (const ParameterPart& part : parts) count += part.count();
  return count;
}

class AdamW : public Optimiser {
 public:
  AdamW(const std::vector<ParameterPart>& parts, double weight_decay, int threads)
      : parts_(parts),
        weight_decay_(weight_decay),
        threads_(threads),
        mean_(count_all(parts)),
        square_(count_all(parts)) {
    std::size_t begin = 0;
    for (const ParameterPart& part : parts_) {
      first_.push_back(begin);
      begin += part.count();
    }
  }

  void step(std::span<double> weights, std::span<const double> gradient, double learning_rate) override {
    ++steps_;
    const Rates rates{learning_rate, 1 - std::pow(beta1, steps_), 1 - std::pow(beta2, steps_)};
    run_each(threads_, parts_.size(), [&](std::size_t p) {
      const std::size_t begin = first_[p];
      const std::size_t count = parts_[p].count();
      const Moments moments{std::span(mean_).subspan(begin, count), std::span(square_).subspan(begin, count)};
      const std::span<double> w = weights.subspan(begin, count);
      if (parts_[p].decays)
        for (double& weight : w) weight -= learning_rate * weight_decay_ * weight;
      step_part(p, w, gradient.subspan(begin, count), moments, rates);
    });
  }

  Memory memory() const override {
    return {{"steps", {static_cast<double>(steps_)}}, {"mean", mean_}, {"square", square_}};
  }

  void restore(const Memory& memory) override {
    steps_ = static_cast<int>(find(memory, "steps", 1).front());
    mean_ = find(memory, "mean", mean_.size());
    square_ = find(memory, "square", square_.size());
  }

 protected:
  struct Rates {
    double learning_rate, correction1, correction2;
  };

  virtual void step_part(std::size_t /*part*/, std::span<double> weights, std::span<const double> gradient,
                         const Moments& moments, const Rates& rates) {
    for (std::size_t i = 0; i < weights.size(); ++i)
      weights[i] -= rates.learning_rate * moments.direction(i, gradient[i], rates.correction1, rates.correction2);
  }

  static const std::vector<double>& find(const Memory& memory, const std::string& name, std::size_t size) {
    const auto entry = std::find_if(memory.begin(), memory.end(), [&](const auto& item) { return item.first == name; });
    if (entry == memory.end() || entry->second.size() != size)
      throw Error(
          fmt::format("the checkpoint's optimiser has no \"{}\" of {} numbers; was it of another method?", name, size));
    return entry->second;
  }

  const std::vector<ParameterPart>& parts() const { return parts_; }
  int steps() const { return steps_; }

 private:
  std::vector<ParameterPart> parts_;
  std::vector<std::size_t> first_;  // [parts]
  double weight_decay_;
  int threads_;
  int steps_ = 0;
  std::vector<double> mean_;
  std::vector<double> square_;
};

/// One side of a matrix of weights: the running mean of G G^T (or G^T G) and its eigenvectors, in columns.
struct Side {
  Matrix covariance;
  Matrix basis;

  bool used() const { return basis.rows() > 0; }
};

class Soap final : public AdamW {
 public:
  Soap(const std::vector<ParameterPart>& parts_in, double weight_decay, int threads)
      : AdamW(parts_in, weight_decay, threads) {
    for (const ParameterPart& part : parts()) {
      const bool matrix = part.rows > 1 && part.columns > 1;
      sides_.push_back({make_side(matrix ? part.rows : 0), make_side(matrix ? part.columns : 0)});
    }
  }

  Memory memory() const override {
    Memory memory = AdamW::memory();
    for_each_matrix(sides_, [&](const std::string& name, const Matrix& matrix) {
      std::vector<double> numbers(matrix.rows() * matrix.columns());
      matrix.copy_to(numbers);
      memory.emplace_back(name, std::move(numbers));
    });
    return memory;
  }

  void restore(const Memory& memory) override {
    AdamW::restore(memory);
    for_each_matrix(sides_, [&](const std::string& name, Matrix& matrix) {
      const std::size_t size = matrix.rows();
      matrix = Matrix(size, size, find(memory, name, size * size));
    });
  }

 private:
  static constexpr std::size_t largest_side = 512;
  static constexpr int steps_between_bases = 20;
  static constexpr double covariance_decay = 0.95;
  static constexpr double least_eigenvalue = 1e-8;  // of the trace: a matrix of full rank, whatever the gradients

  static Side make_side(std::size_t size) {
    if (size <= 1 || size > largest_side) return {};
    return {Matrix(size, size), identity(size)};
  }

  template <class Sides, class Function>
  static void for_each_matrix(Sides& sides, const Function& function) {
    for (std::size_t p = 0; p < sides.size(); ++p)
      for (std::size_t s = 0; s < 2; ++s) {
        if (!sides[p][s].used()) continue;
        function(fmt::format("covariance.{}.{}", p, s), sides[p][s].covariance);
        function(fmt::format("basis.{}.{}", p, s), sides[p][s].basis);
      }
  }

  void step_part(std::size_t p, std::span<double> weights, std::span<const double> gradient, const Moments& moments,
                 const Rates& rates) override {
    const auto& [left, right] = sides_[p];
    if (!left.used() && !right.used()) return AdamW::step_part(p, weights, gradient, moments, rates);
    const Matrix g(parts()[p].rows, parts()[p].columns, gradient);
    std::vector<double> rotated(gradient.size());
    into_basis(g, p).copy_to(rotated);
    for (std::size_t i = 0; i < rotated.size(); ++i)
      rotated[i] = moments.direction(i, rotated[i], rates.correction1, rates.correction2);
    out_of_basis(Matrix(g.rows(), g.columns(), rotated), p).copy_to(rotated);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= rates.learning_rate * rotated[i];
    update_covariances(p, g);
    if (steps() % steps_between_bases == 1) renew_bases(p, moments);
  }

  Matrix into_basis(Matrix g, std::size_t p) const {
    const auto& [left, right] = sides_[p];
    if (left.used()) g = multiply_transposed(left.basis, g);
    if (right.used()) g = multiply(g, right.basis);
    return g;
  }

  Matrix out_of_basis(Matrix g, std::size_t p) const {
    const auto& [left, right] = sides_[p];
    if (left.used()) g = multiply(left.basis, g);
    if (right.used()) g = multiply(g, transpose(right.basis));
    return g;
  }

  void update_covariances(std::size_t p, const Matrix& g) {
    auto& [left, right] = sides_[p];
    if (left.used()) blend(left.covariance, covariance_decay, multiply(g, transpose(g)));
    if (right.used()) blend(right.covariance, covariance_decay, multiply_transposed(g, g));
  }

  /// Adam's first moment moves along with the basis; its second stays, as the eigenvectors come in the same order.
  void renew_bases(std::size_t p, const Moments& moments) {
    const Matrix mean = out_of_basis(Matrix(parts()[p].rows, parts()[p].columns, moments.mean), p);
    for (Side& side : sides_[p])
      if (side.used()) renew(side);
    into_basis(mean, p).copy_to(moments.mean);
  }

  /// Orthogonal iteration: eigenvectors in descending order of eigenvalues, each near what it was before.
  void renew(Side& side) const {
    double trace = 0;
    for (std::size_t i = 0; i < side.basis.rows(); ++i) trace += side.covariance(i, i);
    if (!(trace > 0)) return;
    Matrix shifted = side.covariance;
    for (std::size_t i = 0; i < side.basis.rows(); ++i) shifted(i, i) += least_eigenvalue * trace;
    const int iterations = steps() == 1 ? 10 : 1;
    for (int i = 0; i < iterations; ++i) {
      side.basis = multiply(shifted, side.basis);
      orthonormalise_columns(side.basis);
    }
  }

  std::vector<std::array<Side, 2>> sides_;
};

}  // namespace

std::unique_ptr<Optimiser> make_optimiser(const std::string& method, const std::vector<ParameterPart>& parts,
                                          double weight_decay, int threads) {
  const auto weights = static_cast<double>(count_all(parts));
  if (method == "adamw")
    return std::make_unique<AdamW>(parts, weight_decay, threads_for(weights, least_weights_per_thread, threads));
  if (method == "soap")
    return std::make_unique<Soap>(parts, weight_decay, threads_for(weights, least_in_matrices_per_thread, threads));
  throw Error(fmt::format("optimiser '{}' is not known; there are adamw and soap", method));
}

}  // namespace grapevine
