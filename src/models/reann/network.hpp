#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "models/reann/parameters.hpp"

namespace grapevine::reann {

/// Atoms side by side in every per-atom kernel: a cache line of numbers. Rows of lanes are [n][lanes].
template <class Real>
inline constexpr int lanes = static_cast<int>(64 / sizeof(Real));

/// A linear map kept in both layouts, so that forward and backward each read their weights in order.
template <class Real>
struct LinearKernel {
  int inputs = 0;
  int outputs = 0;
  std::vector<Real> weight;      // [outputs][inputs]
  std::vector<Real> transposed;  // [inputs][outputs]
  std::vector<Real> bias;        // [outputs]

  LinearKernel(int inputs_, int outputs_, const std::vector<double>& weight_, const std::vector<double>& bias_);
};

template <class Real>
struct ActivationKernel {
  ActivationKind kind;
  std::vector<Real> alpha;  // [n]
  std::vector<Real> beta;   // [n]

  explicit ActivationKernel(const Activation& activation);
  int width() const { return static_cast<int>(alpha.size()); }
};

template <class Real>
struct LayerNormKernel {
  std::vector<Real> weight;  // [n]
  std::vector<Real> bias;    // [n]

  explicit LayerNormKernel(const LayerNorm& norm);
  int width() const { return static_cast<int>(weight.size()); }
};

/// out[o] = bias[o] + sum_i weight[o][i] in[i]
template <class Real>
void linear_forward(const LinearKernel<Real>& linear, const Real* in, Real* out);
/// d_in[i] = sum_o weight[o][i] d_out[o]
template <class Real>
void linear_backward(const LinearKernel<Real>& linear, const Real* d_out, Real* d_in);

/// out = activation(in); out may be in.
template <class Real>
void activation_forward(const ActivationKernel<Real>& activation, const Real* in, Real* out);
/// d_in = d_out * activation'(in); d_in may be d_out.
template <class Real>
void activation_backward(const ActivationKernel<Real>& activation, const Real* in, const Real* d_out, Real* d_in);

/// normal = (in - mean) / deviation; out = weight * normal + bias. inverse_deviation is [lanes]. out may be in.
template <class Real>
void layer_norm_forward(const LayerNormKernel<Real>& norm, const Real* in, Real* normal, Real* inverse_deviation,
                        Real* out);
/// d_in may be d_out.
template <class Real>
void layer_norm_backward(const LayerNormKernel<Real>& norm, const Real* normal, const Real* inverse_deviation,
                         const Real* d_out, Real* d_in);

/// A network of one species behind its first linear map, which the model fuses with the density.
template <class Real>
class NetworkKernel {
 public:
  explicit NetworkKernel(const Network& network);

  int inputs() const { return inputs_; }  ///< width behind the first linear map
  int outputs() const { return output_.outputs; }
  int widest() const { return widest_; }  ///< rows of lanes that scratch arrays need
  std::size_t tape_size() const;          ///< numbers that forward leaves for backward

  /// in [inputs()][lanes] -> out [outputs()][lanes]; `tape` is [tape_size()], `scratch` [2 * widest()][lanes].
  void forward(const Real* in, Real* out, Real* tape, Real* scratch) const;
  /// d_out -> d_in, with the tape of forward.
  void backward(const Real* d_out, Real* d_in, const Real* tape, Real* scratch) const;

 private:
  struct Step {
    ActivationKernel<Real> activation;
    std::optional<LayerNormKernel<Real>> norm;
    LinearKernel<Real> linear;

    std::size_t tape_size() const;
  };

  int inputs_;
  int widest_;
  std::vector<std::vector<Step>> blocks_;
  ActivationKernel<Real> activation_;
  LinearKernel<Real> output_;
};

extern template class NetworkKernel<double>;
extern template class NetworkKernel<float>;

}  // namespace grapevine::reann
