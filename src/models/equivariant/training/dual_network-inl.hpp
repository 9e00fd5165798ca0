// Networks on numbers with their changes, and the gradient of a loss by their weights.
#if defined(GRAPEVINE_EQUIVARIANT_DUAL_NETWORK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_DUAL_NETWORK_INL
#undef GRAPEVINE_EQUIVARIANT_DUAL_NETWORK_INL
#else
#define GRAPEVINE_EQUIVARIANT_DUAL_NETWORK_INL
#endif

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/equivariant/gate-inl.hpp"
#include "models/equivariant/linear-inl.hpp"
#include "models/equivariant/training/matrix_gradient-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// x_(n+1) = act( x_n weight_n + bias_n ), without the activation after the last, for rows of numbers with their
/// changes and back: arrays are [2][rows][numbers], first all values, then all changes (see MatrixGradient).
template <class Real>
class DualNetwork {
 public:
  DualNetwork(const std::vector<Dense>& layers, const Activation& activation) : activation_(activation) {
    assign(layers);
  }

  /// Takes the weights of layers of the same sizes.
  void assign(const std::vector<Dense>& layers) {
    layers_.clear();
    biases_.clear();
    for (const Dense& dense : layers) {
      layers_.emplace_back(dense.inputs, dense.outputs, dense.weight);
      biases_.push_back(in_precision<Real>(dense.bias));
      if (!dense.bias.empty()) biases_.back().resize(static_cast<std::size_t>(layers_.back().outputs()), Real(0));
    }
  }

  /// Padded to whole lines; whatever numbers stand in the padding do not matter.
  int inputs() const { return layers_.front().inputs(); }
  int outputs() const { return layers_.back().outputs(); }

  /// What a pass over some rows leaves for its way back.
  struct Tape {
    const Real* x = nullptr;                        // what entered, which has to stay
    std::vector<simd::AlignedVector<Real>> values;  // [layers] after the activation
    std::vector<simd::AlignedVector<Real>> slopes;  // [layers - 1] of the activation

    const Real* y() const { return values.back().data(); }  ///< what left the network
  };

  class Gradient {
   public:
    explicit Gradient(const std::vector<Dense>& layers) {
      for (const Dense& dense : layers) {
        weights_.emplace_back(dense.inputs, dense.outputs);
        biases_.emplace_back(dense.bias.empty() ? 0 : static_cast<std::size_t>(padded(dense.outputs)), Real(0));
      }
    }

    void clear() {
      for (MatrixGradient<Real>& weight : weights_) weight.clear();
      for (auto& bias : biases_) std::fill(bias.begin(), bias.end(), Real(0));
    }

    /// x [2][rows][padded inputs] of a layer, dy [2][rows][padded outputs].
    HWY_NOINLINE void add(std::size_t layer, int rows, const Real* x, const Real* dy) {
      weights_[layer].add(rows, x, dy);
      const std::size_t columns = biases_[layer].size();
      Real* bias = biases_[layer].data();
      const Real* change = dy + static_cast<std::size_t>(rows) * columns;
      for (int row = 0; row < rows; ++row, change += columns)
        for (std::size_t o = 0; o < columns; ++o) bias[o] += change[o];
    }
    void add(const Gradient& other) {
      for (std::size_t n = 0; n < weights_.size(); ++n) {
        weights_[n].add(other.weights_[n]);
        for (std::size_t o = 0; o < biases_[n].size(); ++o) biases_[n][o] += other.biases_[n][o];
      }
    }

    void add_to(std::vector<Dense>& layers) const {
      for (std::size_t n = 0; n < layers.size(); ++n) {
        weights_[n].add_to(layers[n].weight);
        for (std::size_t o = 0; o < layers[n].bias.size(); ++o) layers[n].bias[o] += static_cast<double>(biases_[n][o]);
      }
    }

   private:
    std::vector<MatrixGradient<Real>> weights_;
    std::vector<simd::AlignedVector<Real>> biases_;  // of layers that have one
  };

  /// x [2][rows][inputs()] to the tape's y [2][rows][outputs()].
  void forward(int rows, const Real* x, Tape& tape) const {
    tape.x = x;
    tape.values.resize(layers_.size());
    tape.slopes.resize(layers_.size() - 1);
    for (std::size_t n = 0; n < layers_.size(); ++n) {
      fill_with_bias(rows, n, tape.values[n]);
      layers_[n].add(2 * rows, x, tape.values[n].data());
      if (n + 1 < layers_.size()) apply(tape.values[n], tape.slopes[n]);
      x = tape.values[n].data();
    }
  }

  /// From dy [2][rows][outputs()] after forward(): adds to the gradient, and leaves dx [2][rows][inputs()] unless that
  /// is null.
  void backward(int rows, const Real* dy, const Tape& tape, Gradient& gradient, Real* dx) const {
    simd::AlignedVector<Real> d, d_before;  // dE/d(numbers of a layer)
    for (std::size_t n = layers_.size() - 1; n > 0; --n) {
      gradient.add(n, rows, tape.values[n - 1].data(), dy);
      d_before.assign(tape.values[n - 1].size(), Real(0));
      layers_[n].add_transposed(2 * rows, dy, d_before.data());
      multiply_by(tape.slopes[n - 1], d_before);
      std::swap(d, d_before);
      dy = d.data();
    }
    gradient.add(0, rows, tape.x, dy);
    if (dx == nullptr) return;
    std::fill_n(dx, static_cast<std::size_t>(2 * rows) * inputs(), Real(0));
    layers_.front().add_transposed(2 * rows, dy, dx);
  }

 private:
  void fill_with_bias(int rows, std::size_t layer, simd::AlignedVector<Real>& y) const {
    const std::vector<Real>& bias = biases_[layer];
    y.assign(static_cast<std::size_t>(2 * rows) * layers_[layer].outputs(), Real(0));
    for (int row = 0; row < rows; ++row) std::copy(bias.begin(), bias.end(), y.data() + row * bias.size());
  }

  HWY_NOINLINE void apply(simd::AlignedVector<Real>& x, simd::AlignedVector<Real>& slopes) const {
    using J = Line<Changing<Real, 1>>;
    const auto plane = static_cast<std::ptrdiff_t>(x.size() / 2);
    slopes.resize(x.size());
    J value, slope;
    for (std::ptrdiff_t n = 0; n < plane; n += J::lanes) {
      activate_with_changes(activation_, load_planes<J>(x.data() + n, plane), value, slope);
      store_planes(value, x.data() + n, plane);
      store_planes(slope, slopes.data() + n, plane);
    }
  }

  static HWY_NOINLINE void multiply_by(const simd::AlignedVector<Real>& factors, simd::AlignedVector<Real>& d) {
    using J = Line<Changing<Real, 1>>;
    const auto plane = static_cast<std::ptrdiff_t>(d.size() / 2);
    for (std::ptrdiff_t n = 0; n < plane; n += J::lanes)
      store_planes(load_planes<J>(factors.data() + n, plane) * load_planes<J>(d.data() + n, plane), d.data() + n,
                   plane);
  }

  Activation activation_;
  std::vector<PaddedMatrix<Real>> layers_;
  std::vector<std::vector<Real>> biases_;  // padded, or empty
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
