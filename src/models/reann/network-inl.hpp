// Networks with atoms in the lanes: every row of numbers is one neuron of `lanes<Real>` atoms, a cache line.
#if defined(GRAPEVINE_REANN_NETWORK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_NETWORK_INL
#undef GRAPEVINE_REANN_NETWORK_INL
#else
#define GRAPEVINE_REANN_NETWORK_INL
#endif

#include <algorithm>
#include <optional>
#include <type_traits>
#include <vector>

#include "models/reann/parameters.hpp"
#include "simd/aligned_vector.hpp"
#include "simd/jet-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

using namespace simd::HWY_NAMESPACE;  // NOLINT(google-build-using-namespace): the kernels' vocabulary
using simd::Constant;
using simd::Dual;
using simd::Jet;

/// Atoms side by side: a cache line of numbers.
template <class Scalar>
inline constexpr int lanes = static_cast<int>(64 / sizeof(Constant<Scalar>));

template <class Scalar>
using Row = Pack<Scalar, lanes<Scalar>>;

template <class Real>
std::vector<Real> converted(const std::vector<double>& values) {
  std::vector<Real> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(), [](double v) { return static_cast<Real>(v); });
  return result;
}

/// A matrix cut into panels of rows, each as many as the registers hold sums for. Within a panel the weights of one
/// column lie side by side, so that they are read in order.
template <class Real>
class PanelMatrix {
 public:
  // Sums of a panel, one row of the input and one weight have to fit into the registers.
  static constexpr int registers = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON ? 32 : 16;
  static constexpr int tallest = std::max(2, std::min(16, registers / 2 / Row<Real>::parts));
  static constexpr int shortest = std::min(4, tallest);

  PanelMatrix(int rows, int columns) : rows_(rows), columns_(columns) {
    int padded = 0;
    while (padded < rows) padded += height_at(padded);
    start_.assign(static_cast<std::size_t>(padded), Real(0));
    weight_.assign(static_cast<std::size_t>(padded) * static_cast<std::size_t>(columns), Real(0));
  }

  /// `element(row, column)`; `start` is [rows] or empty for zero.
  template <class Element>
  void assign(const Element& element, const std::vector<double>& start) {
    std::transform(start.begin(), start.end(), start_.begin(), [](double v) { return static_cast<Real>(v); });
    Real* weight = weight_.data();
    for (int row = 0; row < rows_;) {
      const int height = height_at(row);
      const int filled = std::min(height, rows_ - row);
      for (int column = 0; column < columns_; ++column, weight += height)
        for (int r = 0; r < filled; ++r) weight[r] = static_cast<Real>(element(row + r, column));
      row += height;
    }
  }

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  /// Rows that `multiply` writes.
  int padded_rows() const { return static_cast<int>(start_.size()); }

  /// out[row] = start[row] + sum over columns of element * in[column]
  HWY_NOINLINE void multiply(const Real* in, Real* out) const { multiply_rows<1, true>(in, out); }

  /// The same for values and changes, each of which is a multiplication of its own.
  template <int K>
  HWY_NOINLINE void multiply(const Jet<Real, K>* in, Jet<Real, K>* out) const {
    const Real* numbers = reinterpret_cast<const Real*>(in);
    Real* results = reinterpret_cast<Real*>(out);
    multiply_rows<1 + K, true>(numbers, results);
    for (int k = 1; k <= K; ++k) multiply_rows<1 + K, false>(numbers + k * lanes<Real>, results + k * lanes<Real>);
  }

 private:
  /// `parts` is the number of rows of lanes from one row of numbers to the next.
  template <int parts, bool with_start>
  HWY_INLINE void multiply_rows(const Real* in, Real* out) const {
    const Real* weight = weight_.data();
    const Real* start = start_.data();
    for (int row = 0; row < rows_;) {
      const int height = height_at(row);
      Real* to = out + static_cast<std::ptrdiff_t>(row) * (parts * lanes<Real>);
      multiply_panel<parts, with_start>(height, weight, start + row, in, to);
      weight += static_cast<std::ptrdiff_t>(height) * columns_;
      row += height;
    }
  }

  template <int parts, bool with_start>
  HWY_INLINE void multiply_panel(int height, const Real* weight, const Real* start, const Real* in, Real* out) const {
    if constexpr (tallest > 8)
      if (height == 8) return panel<8, parts, with_start>(weight, start, in, out);
    if constexpr (tallest > shortest)
      if (height == shortest) return panel<shortest, parts, with_start>(weight, start, in, out);
    panel<tallest, parts, with_start>(weight, start, in, out);
  }

  HWY_INLINE int height_at(int row) const {
    const int left = rows_ - row;
    if (left > tallest - shortest) return tallest;
    if (tallest > 8 && left > shortest) return 8;
    return shortest;
  }

  template <int height, int parts, bool with_start>
  HWY_INLINE void panel(const Real* weight, const Real* start, const Real* in, Real* out) const {
    constexpr int step = parts * lanes<Real>;
    Row<Real> sum[height];
    for (int r = 0; r < height; ++r) sum[r] = with_start ? broadcast<Row<Real>>(start[r]) : zero<Row<Real>>();
    for (int column = 0; column < columns_; ++column) {
      const Row<Real> x = load<Row<Real>>(in + static_cast<std::ptrdiff_t>(column) * step);
      HWY_UNROLL(16)
      for (int r = 0; r < height; ++r) sum[r] = mul_add(broadcast<Row<Real>>(weight[r]), x, sum[r]);
      weight += height;
    }
    for (int r = 0; r < height; ++r) store(sum[r], out + r * step);
  }

  int rows_ = 0;
  int columns_ = 0;
  simd::AlignedVector<Real> weight_;  // [panel][column][row of panel]
  std::vector<Real> start_;           // [padded rows]
};

/// A linear map in both directions.
template <class Real>
struct LinearKernel {
  PanelMatrix<Real> matrix;      // out[o] = bias[o] + sum_i weight[o][i] in[i]
  PanelMatrix<Real> transposed;  // d_in[i] = sum_o weight[o][i] d_out[o]

  LinearKernel(int inputs, int outputs, const std::vector<double>& weight, const std::vector<double>& bias)
      : matrix(outputs, inputs), transposed(inputs, outputs) {
    assign(weight, bias);
  }
  explicit LinearKernel(const Linear& linear)
      : LinearKernel(linear.inputs, linear.outputs, linear.weight, linear.bias) {}

  /// `weight` is [outputs][inputs].
  template <class Weights>
  void assign(const Weights& weight, const std::vector<double>& bias) {
    const auto columns = static_cast<std::size_t>(inputs());
    matrix.assign([&](int o, int i) { return weight[static_cast<std::size_t>(o) * columns + i]; }, bias);
    transposed.assign([&](int i, int o) { return weight[static_cast<std::size_t>(o) * columns + i]; }, {});
  }
  void assign(const Linear& linear) { assign(linear.weight, linear.bias); }

  int inputs() const { return matrix.columns(); }
  int outputs() const { return matrix.rows(); }
  int widest() const { return std::max(matrix.padded_rows(), transposed.padded_rows()); }
};

template <class Real>
struct ActivationKernel {
  ActivationKind kind;
  std::vector<Real> alpha;  // [n]
  std::vector<Real> beta;   // [n]

  explicit ActivationKernel(const Activation& activation) : kind(activation.kind) { assign(activation); }
  void assign(const Activation& activation) {
    alpha = converted<Real>(activation.alpha);
    beta = converted<Real>(activation.beta);
  }
  int width() const { return static_cast<int>(alpha.size()); }
};

/// 1 / (1 + exp(-t)), and what is missing to 1: no difference, as a reciprocal's last digit in it, times a large t,
/// would be an error of activations' slopes. No structure of results here and below: GCC moves those of several
/// registers through memory, in pieces.
template <class Real, int N>
HWY_INLINE void sigmoid_of(const Pack<Real, N>& t, Pack<Real, N>& value, Pack<Real, N>& rest) {
  rest = exponential(zero<Pack<Real, N>>() - t);
  value = reciprocal(broadcast<Pack<Real, N>>(Real(1)) + rest);
  rest = rest * value;
}

/// Value and slope of an activation at x.
template <class Real, int N>
HWY_INLINE void relu_like(const Pack<Real, N>& alpha, const Pack<Real, N>& beta, const Pack<Real, N>& x,
                          Pack<Real, N>& value, Pack<Real, N>& slope) {
  const Pack<Real, N> t = beta * x;
  Pack<Real, N> scaled, rest;
  sigmoid_of(t, scaled, rest);
  scaled = alpha * scaled;
  value = scaled * t;
  slope = beta * mul_add(value, rest, scaled);
}

template <class Real, int N>
HWY_INLINE void tanh_like(const Pack<Real, N>& alpha, const Pack<Real, N>& beta, const Pack<Real, N>& x,
                          Pack<Real, N>& value, Pack<Real, N>& slope) {
  const Pack<Real, N> one = broadcast<Pack<Real, N>>(Real(1));
  const Pack<Real, N> t = beta * x;
  const Pack<Real, N> inverse = one / square_root(mul_add(t, t, one));
  const Pack<Real, N> scaled = alpha * inverse;
  value = scaled * x;
  slope = scaled * inverse * inverse;
}

/// out = activation(in); where `keep`, slope = activation'(in) as well, `width` rows each. out may be in.
template <ActivationKind kind, bool keep, class Scalar>
HWY_INLINE void apply_to_rows(int width, const Constant<Scalar>* HWY_RESTRICT alpha,
                              const Constant<Scalar>* HWY_RESTRICT beta, const Scalar* in, Scalar* out,
                              Scalar* HWY_RESTRICT slope) {
  using R = Row<Scalar>;
  using C = Row<Constant<Scalar>>;
  constexpr int n = lanes<Scalar>;
  for (int i = 0; i < width; ++i) {
    const R x = load<R>(in + i * n);
    C at, value, derivative;
    if constexpr (is_jet<R>)
      at = x.value;
    else
      at = x;
    if constexpr (kind == ActivationKind::relu_like)
      relu_like(broadcast<C>(alpha[i]), broadcast<C>(beta[i]), at, value, derivative);
    else
      tanh_like(broadcast<C>(alpha[i]), broadcast<C>(beta[i]), at, value, derivative);
    if constexpr (is_jet<R>) {
      static_assert(!keep);
      store(make_jet<R>(value, [&](int k) HWY_ATTR { return derivative * x.change[k]; }), out + i * n);
    } else {
      store(value, out + i * n);
      if constexpr (keep) store(derivative, slope + i * n);
    }
  }
}

/// out = activation(in); where `keep`, slope = activation'(in) as well. out may be in.
template <bool keep, class Scalar>
HWY_INLINE void activation_forward(const ActivationKernel<Constant<Scalar>>& activation, const Scalar* in, Scalar* out,
                                   Scalar* slope) {
  const auto* alpha = activation.alpha.data();
  const auto* beta = activation.beta.data();
  if (activation.kind == ActivationKind::relu_like)
    apply_to_rows<ActivationKind::relu_like, keep>(activation.width(), alpha, beta, in, out, slope);
  else
    apply_to_rows<ActivationKind::tanh_like, keep>(activation.width(), alpha, beta, in, out, slope);
}

/// d_in = d_out * slope; d_in may be d_out.
template <class Real>
HWY_INLINE void activation_backward(int width, const Real* slope, const Real* d_out, Real* d_in) {
  using R = Row<Real>;
  constexpr int n = lanes<Real>;
  for (int i = 0; i < width; ++i) store(load<R>(d_out + i * n) * load<R>(slope + i * n), d_in + i * n);
}

template <class Real>
struct LayerNormKernel {
  std::vector<Real> weight;  // [n]
  std::vector<Real> bias;    // [n]

  explicit LayerNormKernel(const LayerNorm& norm) { assign(norm); }
  void assign(const LayerNorm& norm) {
    weight = converted<Real>(norm.weight);
    bias = converted<Real>(norm.bias);
  }
  int width() const { return static_cast<int>(weight.size()); }
};

/// Sums over the rows of a layer in four parts, none of which has to wait for the other.
template <class Scalar, class Term>
HWY_INLINE Row<Scalar> sum_of_rows(int width, const Term& term) {
  using R = Row<Scalar>;
  R sum[4] = {zero<R>(), zero<R>(), zero<R>(), zero<R>()};
  int i = 0;
  for (; i + 4 <= width; i += 4)
    for (int part = 0; part < 4; ++part) sum[part] = term(i + part, sum[part]);
  for (; i < width; ++i) sum[0] = term(i, sum[0]);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// out = weight * normal + bias, normal = (in - mean) * inverse_deviation; out may be in. Where `keep`, normal [n] and
/// inverse_deviation are stored one behind the other in `tape`.
template <bool keep, class Scalar>
HWY_INLINE void layer_norm_forward(const LayerNormKernel<Constant<Scalar>>& norm, const Scalar* in, Scalar* out,
                                   Scalar* tape) {
  using Real = Constant<Scalar>;
  using R = Row<Scalar>;
  using C = Row<Real>;
  constexpr int n = lanes<Scalar>;
  constexpr Real epsilon = Real(1e-5);
  const int width = norm.width();
  const C inverse_width = broadcast<C>(Real(1) / static_cast<Real>(width));
  const R mean = inverse_width *
                 sum_of_rows<Scalar>(width, [&](int i, const R& sum) HWY_ATTR { return sum + load<R>(in + i * n); });
  const R variance = sum_of_rows<Scalar>(width, [&](int i, const R& sum) HWY_ATTR {
    const R off = load<R>(in + i * n) - mean;
    return mul_add(off, off, sum);
  });
  const R inverse_deviation =
      broadcast<C>(Real(1)) / square_root(mul_add(variance, inverse_width, broadcast<C>(epsilon)));
  const Real* HWY_RESTRICT weight = norm.weight.data();
  const Real* HWY_RESTRICT bias = norm.bias.data();
  for (int i = 0; i < width; ++i) {
    const R normal = (load<R>(in + i * n) - mean) * inverse_deviation;
    if constexpr (keep) store(normal, tape + i * n);
    store(mul_add(broadcast<C>(weight[i]), normal, broadcast<C>(bias[i])), out + i * n);
  }
  if constexpr (keep) store(inverse_deviation, tape + width * n);
}

/// d_in may be d_out.
template <class Scalar>
HWY_INLINE void layer_norm_backward(const LayerNormKernel<Constant<Scalar>>& norm, const Scalar* tape,
                                    const Scalar* d_out, Scalar* d_in) {
  using Real = Constant<Scalar>;
  using R = Row<Scalar>;
  using C = Row<Real>;
  constexpr int n = lanes<Scalar>;
  const int width = norm.width();
  const Real* HWY_RESTRICT weight = norm.weight.data();
  const auto gradient = [&](int i) HWY_ATTR { return broadcast<C>(weight[i]) * load<R>(d_out + i * n); };
  R mean[2] = {zero<R>(), zero<R>()};
  R projection[2] = {zero<R>(), zero<R>()};
  for (int i = 0; i < width; ++i) {
    const R g = gradient(i);
    mean[i % 2] = mean[i % 2] + g;
    projection[i % 2] = mul_add(g, load<R>(tape + i * n), projection[i % 2]);
  }
  const C inverse_width = broadcast<C>(Real(1) / static_cast<Real>(width));
  const R inverse_deviation = load<R>(tape + width * n);
  const R mean_gradient = inverse_width * (mean[0] + mean[1]);
  const R mean_projection = inverse_width * (projection[0] + projection[1]);
  for (int i = 0; i < width; ++i)
    store(inverse_deviation * (gradient(i) - mul_add(load<R>(tape + i * n), mean_projection, mean_gradient)),
          d_in + i * n);
}

template <class Scalar>
HWY_INLINE void add_rows(int rows, const Scalar* x, Scalar* to) {
  using R = Row<Scalar>;
  constexpr int n = lanes<Scalar>;
  for (int i = 0; i < rows * n; i += n) store(load<R>(to + i) + load<R>(x + i), to + i);
}

/// A network of one species behind its first linear map, which the model fuses with the density.
template <class Real>
class NetworkKernel {
 public:
  explicit NetworkKernel(const Network& network)
      : inputs_(network.input.outputs), activation_(network.activation), output_(network.output) {
    widest_ = std::max(inputs_, output_.widest());
    tape_size_ = static_cast<std::size_t>(activation_.width()) * lanes<Real>;
    for (const ResidualBlock& block : network.blocks) {
      std::vector<Step>& steps = blocks_.emplace_back();
      for (const ResidualStep& step : block) {
        steps.push_back({ActivationKernel<Real>(step.activation),
                         step.norm ? std::optional(LayerNormKernel<Real>(*step.norm)) : std::nullopt,
                         LinearKernel<Real>(step.linear)});
        widest_ = std::max(widest_, steps.back().linear.widest());
        tape_size_ += steps.back().tape_size();
      }
    }
  }

  /// A step of a residual block.
  struct Step {
    ActivationKernel<Real> activation;
    std::optional<LayerNormKernel<Real>> norm;
    LinearKernel<Real> linear;

    std::size_t tape_size() const {
      return static_cast<std::size_t>(activation.width() + (norm ? norm->width() + 1 : 0)) * lanes<Real>;
    }
  };

  /// Takes the numbers of a network of the same structure.
  void assign(const Network& network) {
    for (std::size_t b = 0; b < blocks_.size(); ++b)
      for (std::size_t n = 0; n < blocks_[b].size(); ++n) {
        const ResidualStep& from = network.blocks[b][n];
        Step& step = blocks_[b][n];
        step.activation.assign(from.activation);
        if (step.norm) step.norm->assign(*from.norm);
        step.linear.assign(from.linear);
      }
    activation_.assign(network.activation);
    output_.assign(network.output);
  }

  const std::vector<std::vector<Step>>& blocks() const { return blocks_; }
  const ActivationKernel<Real>& activation() const { return activation_; }
  const LinearKernel<Real>& output() const { return output_; }

  int inputs() const { return inputs_; }  ///< width behind the first linear map
  int outputs() const { return output_.matrix.rows(); }
  int widest() const { return widest_; }                ///< rows of lanes that arrays for in, out and scratch need
  std::size_t tape_size() const { return tape_size_; }  ///< numbers that forward leaves for backward

  /// x [inputs()][lanes], overwritten -> out [outputs()][lanes]; `scratch` is [2 * widest()][lanes]. Where `keep`,
  /// `tape` [tape_size()] is filled for backward: step by step the slopes of the activation, then what the norm left.
  template <bool keep, class Scalar>
  HWY_NOINLINE void forward(Scalar* x, Scalar* out, std::type_identity_t<Scalar>* tape, Scalar* scratch) const {
    constexpr int n = lanes<Real>;
    Scalar* y = scratch;
    Scalar* z = scratch + static_cast<std::ptrdiff_t>(widest_) * n;
    for (const auto& block : blocks_) {
      const Scalar* step_in = x;
      for (const Step& step : block) {
        const int width = step.activation.width();
        activation_forward<keep>(step.activation, step_in, y, tape);
        if (step.norm) layer_norm_forward<keep>(*step.norm, y, y, tape + width * n);
        if constexpr (keep) tape += step.tape_size();
        step.linear.matrix.multiply(y, z);
        step_in = z;
      }
      if (step_in != x) add_rows(inputs_, z, x);
    }
    activation_forward<keep>(activation_, x, y, tape);
    output_.matrix.multiply(y, out);
  }

  /// d_out -> d_in [inputs()][lanes], with the tape of forward.
  HWY_NOINLINE void backward(const Real* d_out, Real* d_in, const Real* tape, Real* scratch) const {
    constexpr int n = lanes<Real>;
    Real* dx = scratch;
    Real* dy = scratch + static_cast<std::ptrdiff_t>(widest_) * n;
    tape += tape_size_ - static_cast<std::size_t>(activation_.width()) * n;
    output_.transposed.multiply(d_out, dy);
    activation_backward(activation_.width(), tape, dy, d_in);
    for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) {
      const Real* d_step = d_in;
      for (auto step = block->rbegin(); step != block->rend(); ++step) {
        const int width = step->activation.width();
        tape -= step->tape_size();
        step->linear.transposed.multiply(d_step, dy);
        if (step->norm) layer_norm_backward(*step->norm, tape + width * n, dy, dy);
        activation_backward(width, tape, dy, dx);
        d_step = dx;
      }
      if (d_step != d_in) add_rows(inputs_, dx, d_in);
    }
  }

 private:
  int inputs_;
  int widest_ = 0;
  std::size_t tape_size_ = 0;
  std::vector<std::vector<Step>> blocks_;
  ActivationKernel<Real> activation_;
  LinearKernel<Real> output_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
