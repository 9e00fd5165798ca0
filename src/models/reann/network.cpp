#include "models/reann/network.hpp"

#include <algorithm>
#include <cmath>

namespace grapevine::reann {

namespace {

constexpr double layer_norm_epsilon = 1e-5;

template <class Real>
std::vector<Real> convert(const std::vector<double>& values) {
  std::vector<Real> converted(values.size());
  std::transform(values.begin(), values.end(), converted.begin(), [](double v) { return static_cast<Real>(v); });
  return converted;
}

// A row of lanes as one value; the compiler splits it into whatever registers there are.
template <class Real>
struct RowOf {
  using Type __attribute__((vector_size(sizeof(Real) * lanes<Real>), aligned(alignof(Real)), may_alias)) = Real;
};

// out[r] = start[r] + sum_c matrix[r][c] in[c]; two rows at a time share each load of `in` and stay in registers.
template <class Real>
void multiply(int rows, int columns, const Real* matrix, const Real* start, const Real* in, Real* out) {
  using Row = typename RowOf<Real>::Type;
  const auto* x = reinterpret_cast<const Row*>(in);
  auto* y = reinterpret_cast<Row*>(out);
  int r = 0;
  for (; r + 1 < rows; r += 2) {
    const Real* first = matrix + static_cast<std::size_t>(r) * columns;
    const Real* second = first + columns;
    Row sum = {};
    Row other = {};
    if (start != nullptr) {
      sum += start[r];
      other += start[r + 1];
    }
    for (int c = 0; c < columns; ++c) {
      sum += first[c] * x[c];
      other += second[c] * x[c];
    }
    y[r] = sum;
    y[r + 1] = other;
  }
  if (r < rows) {
    const Real* first = matrix + static_cast<std::size_t>(r) * columns;
    Row sum = {};
    if (start != nullptr) sum += start[r];
    for (int c = 0; c < columns; ++c) sum += first[c] * x[c];
    y[r] = sum;
  }
}

template <class Real>
Real sigmoid(Real x) {
  return Real(1) / (Real(1) + std::exp(-x));
}

}  // namespace

template <class Real>
LinearKernel<Real>::LinearKernel(int inputs_, int outputs_, const std::vector<double>& weight_,
                                 const std::vector<double>& bias_)
    : inputs(inputs_),
      outputs(outputs_),
      weight(convert<Real>(weight_)),
      transposed(weight_.size()),
      bias(convert<Real>(bias_)) {
  for (int o = 0; o < outputs; ++o)
    for (int i = 0; i < inputs; ++i) transposed[i * outputs + o] = weight[o * inputs + i];
}

template <class Real>
ActivationKernel<Real>::ActivationKernel(const Activation& activation)
    : kind(activation.kind), alpha(convert<Real>(activation.alpha)), beta(convert<Real>(activation.beta)) {}

template <class Real>
LayerNormKernel<Real>::LayerNormKernel(const LayerNorm& norm)
    : weight(convert<Real>(norm.weight)), bias(convert<Real>(norm.bias)) {}

template <class Real>
void linear_forward(const LinearKernel<Real>& linear, const Real* in, Real* out) {
  multiply(linear.outputs, linear.inputs, linear.weight.data(), linear.bias.data(), in, out);
}

template <class Real>
void linear_backward(const LinearKernel<Real>& linear, const Real* d_out, Real* d_in) {
  multiply<Real>(linear.inputs, linear.outputs, linear.transposed.data(), nullptr, d_out, d_in);
}

template <class Real>
void activation_forward(const ActivationKernel<Real>& activation, const Real* in, Real* out) {
  constexpr int n = lanes<Real>;
  for (int i = 0; i < activation.width(); ++i) {
    const Real alpha = activation.alpha[i];
    const Real beta = activation.beta[i];
    for (int l = i * n; l < (i + 1) * n; ++l) {
      const Real t = beta * in[l];
      out[l] = activation.kind == ActivationKind::relu_like ? alpha * t * sigmoid(t)
                                                            : alpha * in[l] / std::sqrt(Real(1) + t * t);
    }
  }
}

template <class Real>
void activation_backward(const ActivationKernel<Real>& activation, const Real* in, const Real* d_out, Real* d_in) {
  constexpr int n = lanes<Real>;
  for (int i = 0; i < activation.width(); ++i) {
    const Real alpha = activation.alpha[i];
    const Real beta = activation.beta[i];
    for (int l = i * n; l < (i + 1) * n; ++l) {
      const Real t = beta * in[l];
      if (activation.kind == ActivationKind::relu_like) {
        const Real s = sigmoid(t);
        d_in[l] = d_out[l] * alpha * beta * s * (Real(1) + t * (Real(1) - s));
      } else {
        const Real square = Real(1) + t * t;
        d_in[l] = d_out[l] * alpha / (square * std::sqrt(square));
      }
    }
  }
}

template <class Real>
void layer_norm_forward(const LayerNormKernel<Real>& norm, const Real* in, Real* normal, Real* inverse_deviation,
                        Real* out) {
  constexpr int n = lanes<Real>;
  const int width = norm.width();
  Real mean[n] = {};
  Real variance[n] = {};
  for (int i = 0; i < width; ++i)
    for (int l = 0; l < n; ++l) mean[l] += in[i * n + l];
  for (int l = 0; l < n; ++l) mean[l] /= static_cast<Real>(width);
  for (int i = 0; i < width; ++i)
    for (int l = 0; l < n; ++l) variance[l] += (in[i * n + l] - mean[l]) * (in[i * n + l] - mean[l]);
  for (int l = 0; l < n; ++l)
    inverse_deviation[l] = Real(1) / std::sqrt(variance[l] / static_cast<Real>(width) + Real(layer_norm_epsilon));
  for (int i = 0; i < width; ++i)
    for (int l = 0; l < n; ++l) {
      normal[i * n + l] = (in[i * n + l] - mean[l]) * inverse_deviation[l];
      out[i * n + l] = norm.weight[i] * normal[i * n + l] + norm.bias[i];
    }
}

template <class Real>
void layer_norm_backward(const LayerNormKernel<Real>& norm, const Real* normal, const Real* inverse_deviation,
                         const Real* d_out, Real* d_in) {
  constexpr int n = lanes<Real>;
  const int width = norm.width();
  Real mean[n] = {};
  Real projection[n] = {};
  for (int i = 0; i < width; ++i)
    for (int l = 0; l < n; ++l) {
      const Real g = norm.weight[i] * d_out[i * n + l];
      mean[l] += g;
      projection[l] += g * normal[i * n + l];
    }
  for (int i = 0; i < width; ++i)
    for (int l = 0; l < n; ++l) {
      const Real g = norm.weight[i] * d_out[i * n + l];
      d_in[i * n + l] =
          inverse_deviation[l] * (g - (mean[l] + normal[i * n + l] * projection[l]) / static_cast<Real>(width));
    }
}

template <class Real>
std::size_t NetworkKernel<Real>::Step::tape_size() const {
  const int normal_rows = norm ? norm->width() + 1 : 0;
  return static_cast<std::size_t>(activation.width() + normal_rows) * lanes<Real>;
}

template <class Real>
NetworkKernel<Real>::NetworkKernel(const Network& network)
    : inputs_(network.input.outputs),
      widest_(std::max({network.input.outputs, network.output.inputs, network.output.outputs})),
      activation_(network.activation),
      output_(network.output.inputs, network.output.outputs, network.output.weight, network.output.bias) {
  for (const ResidualBlock& block : network.blocks) {
    std::vector<Step>& steps = blocks_.emplace_back();
    for (const ResidualStep& step : block) {
      const Linear& linear = step.linear;
      steps.push_back({ActivationKernel<Real>(step.activation),
                       step.norm ? std::optional(LayerNormKernel<Real>(*step.norm)) : std::nullopt,
                       LinearKernel<Real>(linear.inputs, linear.outputs, linear.weight, linear.bias)});
      widest_ = std::max({widest_, linear.inputs, linear.outputs});
    }
  }
}

template <class Real>
std::size_t NetworkKernel<Real>::tape_size() const {
  std::size_t size = static_cast<std::size_t>(activation_.width()) * lanes<Real>;
  for (const auto& block : blocks_)
    for (const Step& step : block) size += step.tape_size();
  return size;
}

// The tape holds, step by step: what entered the activation, then normal and inverse deviation of the norm.
template <class Real>
void NetworkKernel<Real>::forward(const Real* in, Real* out, Real* tape, Real* scratch) const {
  constexpr int n = lanes<Real>;
  Real* x = scratch;
  Real* y = scratch + widest_ * n;
  std::copy_n(in, inputs_ * n, x);
  for (const auto& block : blocks_) {
    const Real* entered = tape;
    const Real* step_in = x;
    for (const Step& step : block) {
      const int width = step.activation.width();
      std::copy_n(step_in, width * n, tape);
      activation_forward(step.activation, tape, y);
      tape += width * n;
      if (step.norm) {
        layer_norm_forward(*step.norm, y, tape, tape + width * n, y);
        tape += (width + 1) * n;
      }
      linear_forward(step.linear, y, x);
      step_in = x;
    }
    for (int i = 0; i < inputs_ * n; ++i) x[i] += entered[i];
  }
  std::copy_n(x, activation_.width() * n, tape);
  activation_forward(activation_, tape, y);
  linear_forward(output_, y, out);
}

template <class Real>
void NetworkKernel<Real>::backward(const Real* d_out, Real* d_in, const Real* tape, Real* scratch) const {
  constexpr int n = lanes<Real>;
  Real* dx = scratch;
  Real* dy = scratch + widest_ * n;
  tape += tape_size() - static_cast<std::size_t>(activation_.width()) * n;
  linear_backward(output_, d_out, dx);
  activation_backward(activation_, tape, dx, d_in);
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
    std::copy_n(d_in, inputs_ * n, dx);
    for (auto step = block->rbegin(); step != block->rend(); ++step) {
      const int width = step->activation.width();
      tape -= step->tape_size();
      linear_backward(step->linear, dx, dy);
      if (step->norm) layer_norm_backward(*step->norm, tape + width * n, tape + 2 * width * n, dy, dy);
      activation_backward(step->activation, tape, dy, dx);
    }
    for (int i = 0; i < inputs_ * n; ++i) d_in[i] += dx[i];
  }
}

template struct LinearKernel<double>;
template struct LinearKernel<float>;
template void linear_forward(const LinearKernel<double>&, const double*, double*);
template void linear_forward(const LinearKernel<float>&, const float*, float*);
template void linear_backward(const LinearKernel<double>&, const double*, double*);
template void linear_backward(const LinearKernel<float>&, const float*, float*);
template class NetworkKernel<double>;
template class NetworkKernel<float>;

}  // namespace grapevine::reann
