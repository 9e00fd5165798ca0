#include "training/optimiser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "support/error.hpp"

namespace grapevine {
namespace {

constexpr double beta1 = 0.9;
constexpr double beta2 = 0.999;
constexpr double epsilon = 1e-10;

/// Adam's moments of a run of numbers.
struct Moments {
  std::span<double> mean, square;

  /// The direction in which Adam goes, for the gradient's number i at step `steps`.
  double direction(std::size_t i, double gradient, double correction1, double correction2) const {
    mean[i] = beta1 * mean[i] + (1 - beta1) * gradient;
    square[i] = beta2 * square[i] + (1 - beta2) * gradient * gradient;
    return mean[i] / correction1 / (std::sqrt(square[i] / correction2) + epsilon);
  }
};

std::size_t count_all(const std::vector<ParameterPart>& parts) {
  std::size_t count = 0;
  for (const ParameterPart& part : parts) count += part.count();
  return count;
}

class AdamW : public Optimiser {
 public:
  AdamW(const std::vector<ParameterPart>& parts, double weight_decay)
      : parts_(parts), weight_decay_(weight_decay), mean_(count_all(parts)), square_(count_all(parts)) {}

  void step(std::span<double> weights, std::span<const double> gradient, double learning_rate) override {
    ++steps_;
    const double correction1 = 1 - std::pow(beta1, steps_);
    const double correction2 = 1 - std::pow(beta2, steps_);
    std::size_t begin = 0;
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      const ParameterPart& part = parts_[p];
      const std::size_t count = part.count();
      const Moments moments{std::span(mean_).subspan(begin, count), std::span(square_).subspan(begin, count)};
      const std::span<double> w = weights.subspan(begin, count);
      if (part.decays)
        for (double& weight : w) weight -= learning_rate * weight_decay_ * weight;
      step_part(p, w, gradient.subspan(begin, count), moments, {learning_rate, correction1, correction2});
      begin += count;
    }
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
  double weight_decay_;
  int steps_ = 0;
  std::vector<double> mean_;
  std::vector<double> square_;
};

/// A square matrix of one side of a matrix of weights: the running mean of G G^T (or G^T G) and its eigenvectors.
struct Side {
  std::size_t size = 0;
  std::vector<double> covariance;  // [size][size]
  std::vector<double> basis;       // [size][size], eigenvectors in columns; empty before the first step

  bool used() const { return size > 0; }
};

using Matrix = std::vector<double>;

/// a^T b or a b, row-major.
Matrix multiply(const double* a, bool transposed, const double* b, std::size_t rows, std::size_t inner,
                std::size_t columns) {
  Matrix c(rows * columns);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t k = 0; k < inner; ++k) {
      const double x = transposed ? a[k * rows + r] : a[r * inner + k];
      const double* row = b + k * columns;
      double* to = &c[r * columns];
      for (std::size_t n = 0; n < columns; ++n) to[n] += x * row[n];
    }
  return c;
}

Matrix transpose(const Matrix& a, std::size_t rows, std::size_t columns) {
  Matrix t(a.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) t[c * rows + r] = a[r * columns + c];
  return t;
}

/// The columns of a [size][size] made orthonormal one after another.
void orthonormalise(Matrix& a, std::size_t size) {
  Matrix t = transpose(a, size, size);
  const auto dot = [&](std::size_t i, std::size_t j) {
    return std::inner_product(&t[i * size], &t[i * size] + size, &t[j * size], 0.0);
  };
  for (std::size_t c = 0; c < size; ++c) {
    for (int twice = 0; twice < 2; ++twice)
      for (std::size_t b = 0; b < c; ++b) {
        const double along = dot(b, c);
        for (std::size_t r = 0; r < size; ++r) t[c * size + r] -= along * t[b * size + r];
      }
    const double length = std::sqrt(dot(c, c));
    for (std::size_t r = 0; r < size; ++r) t[c * size + r] /= length;
  }
  a = transpose(t, size, size);
}

class Soap final : public AdamW {
 public:
  Soap(const std::vector<ParameterPart>& parts_in, double weight_decay) : AdamW(parts_in, weight_decay) {
    for (const ParameterPart& part : parts()) {
      const bool matrix = part.rows > 1 && part.columns > 1;
      sides_.push_back({make_side(matrix ? part.rows : 0), make_side(matrix ? part.columns : 0)});
    }
  }

  Memory memory() const override {
    Memory memory = AdamW::memory();
    for (std::size_t p = 0; p < sides_.size(); ++p)
      for (std::size_t s = 0; s < 2; ++s) {
        memory.emplace_back(fmt::format("covariance.{}.{}", p, s), sides_[p][s].covariance);
        memory.emplace_back(fmt::format("basis.{}.{}", p, s), sides_[p][s].basis);
      }
    return memory;
  }

  void restore(const Memory& memory) override {
    AdamW::restore(memory);
    for (std::size_t p = 0; p < sides_.size(); ++p)
      for (std::size_t s = 0; s < 2; ++s) {
        Side& side = sides_[p][s];
        side.covariance = find(memory, fmt::format("covariance.{}.{}", p, s), side.covariance.size());
        side.basis = find(memory, fmt::format("basis.{}.{}", p, s), side.size * side.size);
      }
  }

 private:
  static constexpr std::size_t largest_side = 128;
  static constexpr int steps_between_bases = 20;
  static constexpr double covariance_decay = 0.95;
  static constexpr double least_eigenvalue = 1e-8;  // of the trace: a matrix of full rank, whatever the gradients

  static Side make_side(std::size_t size) {
    Side side;
    if (size <= 1 || size > largest_side) return side;
    side.size = size;
    side.covariance.assign(size * size, 0.0);
    side.basis.assign(size * size, 0.0);
    for (std::size_t i = 0; i < size; ++i) side.basis[i * size + i] = 1;
    return side;
  }

  void step_part(std::size_t p, std::span<double> weights, std::span<const double> gradient, const Moments& moments,
                 const Rates& rates) override {
    auto& [left, right] = sides_[p];
    if (!left.used() && !right.used()) return AdamW::step_part(p, weights, gradient, moments, rates);
    const std::size_t rows = parts()[p].rows;
    const std::size_t columns = parts()[p].columns;
    Matrix rotated = rotate(Matrix(gradient.begin(), gradient.end()), p, true);
    for (std::size_t i = 0; i < rotated.size(); ++i)
      rotated[i] = moments.direction(i, rotated[i], rates.correction1, rates.correction2);
    const Matrix direction = rotate(std::move(rotated), p, false);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= rates.learning_rate * direction[i];
    update_covariances(p, gradient, rows, columns);
    if (steps() % steps_between_bases == 1) renew_bases(p, moments);
  }

  /// Into the eigenbasis (left^T G right) or out of it.
  Matrix rotate(Matrix g, std::size_t p, bool into) const {
    const auto& [left, right] = sides_[p];
    const std::size_t rows = parts()[p].rows;
    const std::size_t columns = parts()[p].columns;
    if (left.used()) g = multiply(left.basis.data(), into, g.data(), rows, rows, columns);
    if (right.used()) {
      const Matrix basis = into ? right.basis : transpose(right.basis, columns, columns);
      g = multiply(g.data(), false, basis.data(), rows, columns, columns);
    }
    return g;
  }

  void update_covariances(std::size_t p, std::span<const double> gradient, std::size_t rows, std::size_t columns) {
    auto& [left, right] = sides_[p];
    const auto blend = [](Side& side, const Matrix& product) {
      for (std::size_t i = 0; i < product.size(); ++i)
        side.covariance[i] = covariance_decay * side.covariance[i] + (1 - covariance_decay) * product[i];
    };
    const Matrix g(gradient.begin(), gradient.end());
    const Matrix t = transpose(g, rows, columns);
    if (left.used()) blend(left, multiply(g.data(), false, t.data(), rows, columns, rows));
    if (right.used()) blend(right, multiply(t.data(), false, g.data(), columns, rows, columns));
  }

  /// Adam's first moment moves along with the basis; its second stays, as the eigenvectors come in the same order.
  void renew_bases(std::size_t p, const Moments& moments) {
    const Matrix mean = rotate(Matrix(moments.mean.begin(), moments.mean.end()), p, false);
    for (Side& side : sides_[p])
      if (side.used()) renew(side);
    const Matrix moved = rotate(mean, p, true);
    std::copy(moved.begin(), moved.end(), moments.mean.begin());
  }

  /// Orthogonal iteration: eigenvectors in descending order of eigenvalues, each near what it was before.
  void renew(Side& side) const {
    const int iterations = steps() == 1 ? 10 : 1;
    Matrix shifted = side.covariance;
    double trace = 0;
    for (std::size_t i = 0; i < side.size; ++i) trace += side.covariance[i * (side.size + 1)];
    if (!(trace > 0)) return;
    for (std::size_t i = 0; i < side.size; ++i) shifted[i * (side.size + 1)] += least_eigenvalue * trace;
    for (int i = 0; i < iterations; ++i) {
      side.basis = multiply(shifted.data(), false, side.basis.data(), side.size, side.size, side.size);
      orthonormalise(side.basis, side.size);
    }
  }

  std::vector<std::array<Side, 2>> sides_;
};

}  // namespace

std::unique_ptr<Optimiser> make_optimiser(const std::string& method, const std::vector<ParameterPart>& parts,
                                          double weight_decay) {
  if (method == "adamw") return std::make_unique<AdamW>(parts, weight_decay);
  if (method == "soap") return std::make_unique<Soap>(parts, weight_decay);
  throw Error(fmt::format("optimiser '{}' is not known; there are adamw and soap", method));
}

}  // namespace grapevine
