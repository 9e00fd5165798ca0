// Gradients of networks by their weights, with dual numbers: forward and backward as in network-inl.hpp, and behind
// them sums over atoms of what each weight contributes. Only the changes are summed: see gradient-inl.hpp.
#if defined(GRAPEVINE_REANN_NETWORK_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_REANN_NETWORK_GRADIENT_INL
#undef GRAPEVINE_REANN_NETWORK_GRADIENT_INL
#else
#define GRAPEVINE_REANN_NETWORK_GRADIENT_INL
#endif

#include <algorithm>
#include <optional>
#include <vector>

#include "models/reann/network-inl.hpp"
#include "simd/multiply_add-inl.hpp"
#include "simd/transpose-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::reann::HWY_NAMESPACE {

/// Numbers rounded up to whole rows of lanes.
template <class Real>
constexpr int whole_rows(int n) {
  return (n + lanes<Real> - 1) / lanes<Real> * lanes<Real>;
}

/// For each of n numbers a sum over atoms that is still spread over the lanes.
template <class Real>
class LaneSums {
 public:
  explicit LaneSums(int n) : sums_(static_cast<std::size_t>(n) * lanes<Real>) {}

  void clear() { std::fill(sums_.begin(), sums_.end(), Real(0)); }
  void add(const LaneSums& other) {
    std::transform(sums_.begin(), sums_.end(), other.sums_.begin(), sums_.begin(), std::plus<>());
  }

  HWY_INLINE void add(int i, const Row<Real>& change) {
    Real* to = &sums_[static_cast<std::size_t>(i) * lanes<Real>];
    store(load<Row<Real>>(to) + change, to);
  }

  void add_to(std::vector<double>& totals) const {
    for (std::size_t i = 0; i < totals.size(); ++i)
      for (int lane = 0; lane < lanes<Real>; ++lane) totals[i] += static_cast<double>(sums_[i * lanes<Real> + lane]);
  }

 private:
  simd::AlignedVector<Real> sums_;
};

/// Gradient of a linear map: weight [outputs][stride()], where the padding of rows means nothing.
template <class Real>
class LinearGradient {
 public:
  LinearGradient(int inputs, int outputs)
      : inputs_(inputs),
        outputs_(outputs),
        weight_(static_cast<std::size_t>(outputs) * whole_rows<Real>(inputs)),
        bias_(outputs) {}

  int inputs() const { return inputs_; }
  int outputs() const { return outputs_; }
  int stride() const { return whole_rows<Real>(inputs_); }
  const Real* weight() const { return weight_.data(); }
  const LaneSums<Real>& bias() const { return bias_; }

  void clear() {
    std::fill(weight_.begin(), weight_.end(), Real(0));
    bias_.clear();
  }
  void add(const LinearGradient& other) {
    std::transform(weight_.begin(), weight_.end(), other.weight_.begin(), weight_.begin(), std::plus<>());
    bias_.add(other.bias_);
  }

  /// in [stride()][lanes], d_out [outputs][lanes]; `scratch` is [stride()][lanes].
  HWY_NOINLINE void add(const Dual<Real>* in, const Dual<Real>* d_out, Real* scratch) {
    constexpr int n = lanes<Real>;
    const Real* from = reinterpret_cast<const Real*>(in);
    const Real* d = reinterpret_cast<const Real*>(d_out);
    for (int part : {0, 1}) {
      simd::HWY_NAMESPACE::transpose(stride(), n, from + part * n, 2 * n, scratch, stride());
      const MatrixView<Real> other{d + (1 - part) * n, 2 * n, 1};
      multiply_add(outputs_, n, stride(), other, scratch, stride(), weight_.data(), stride());
    }
    for (int o = 0; o < outputs_; ++o) bias_.add(o, load<Row<Real>>(d + (2 * o + 1) * n));
  }

  void add_to(Linear& totals) const {
    for (int o = 0; o < outputs_; ++o)
      for (int i = 0; i < inputs_; ++i)
        totals.weight[static_cast<std::size_t>(o) * inputs_ + i] +=
            static_cast<double>(weight_[static_cast<std::size_t>(o) * stride() + i]);
    bias_.add_to(totals.bias);
  }

 private:
  int inputs_;
  int outputs_;
  simd::AlignedVector<Real> weight_;
  LaneSums<Real> bias_;
};

/// out = activation(in), with its derivatives by the input, by alpha and by beta.
template <class Real>
HWY_NOINLINE void activation_with_slopes(const ActivationKernel<Real>& activation, const Dual<Real>* in,
                                         Dual<Real>* out, Dual<Real>* slope, Dual<Real>* by_alpha,
                                         Dual<Real>* by_beta) {
  using R = Row<Dual<Real>>;
  using C = Row<Real>;
  constexpr int n = lanes<Real>;
  const C one = broadcast<C>(Real(1));
  for (int i = 0; i < activation.width(); ++i) {
    const C alpha = broadcast<C>(activation.alpha[i]);
    const C beta = broadcast<C>(activation.beta[i]);
    const R x = load<R>(in + i * n);
    const R t = beta * x;
    if (activation.kind == ActivationKind::relu_like) {
      // Not the sigmoid of t: the change of its exponential alone would overflow far below zero.
      C value, missing;
      sigmoid_of(t.value, value, missing);
      const C change = value * missing * t.change[0];
      const R sigmoid{value, {change}};
      const R rest{missing, {zero<C>() - change}};
      const R silu = t * sigmoid;
      const R d_silu = mul_add(silu, rest, sigmoid);
      store(alpha * silu, out + i * n);
      store(alpha * (beta * d_silu), slope + i * n);
      store(silu, by_alpha + i * n);
      store(alpha * (x * d_silu), by_beta + i * n);
    } else {
      const R inverse = one / square_root(mul_add(t, t, one));
      const R scaled = x * inverse;
      const R derivative = alpha * (inverse * inverse * inverse);
      store(alpha * scaled, out + i * n);
      store(derivative, slope + i * n);
      store(scaled, by_alpha + i * n);
      store(zero<R>() - derivative * x * t * x, by_beta + i * n);
    }
  }
}

template <class Real>
class ActivationGradient {
 public:
  explicit ActivationGradient(int width) : width_(width), alpha_(width), beta_(width) {}

  void clear() {
    alpha_.clear();
    beta_.clear();
  }
  void add(const ActivationGradient& other) {
    alpha_.add(other.alpha_);
    beta_.add(other.beta_);
  }

  HWY_NOINLINE void add(const Dual<Real>* d_out, const Dual<Real>* by_alpha, const Dual<Real>* by_beta) {
    using R = Row<Dual<Real>>;
    constexpr int n = lanes<Real>;
    for (int i = 0; i < width_; ++i) {
      const R d = load<R>(d_out + i * n);
      alpha_.add(i, change_of_product(d, load<R>(by_alpha + i * n)));
      beta_.add(i, change_of_product(d, load<R>(by_beta + i * n)));
    }
  }

  void add_to(Activation& totals) const {
    alpha_.add_to(totals.alpha);
    beta_.add_to(totals.beta);
  }

 private:
  int width_;
  LaneSums<Real> alpha_;
  LaneSums<Real> beta_;
};

template <class Real>
class LayerNormGradient {
 public:
  explicit LayerNormGradient(int width) : width_(width), weight_(width), bias_(width) {}

  void clear() {
    weight_.clear();
    bias_.clear();
  }
  void add(const LayerNormGradient& other) {
    weight_.add(other.weight_);
    bias_.add(other.bias_);
  }

  HWY_NOINLINE void add(const Dual<Real>* d_out, const Dual<Real>* normal) {
    using R = Row<Dual<Real>>;
    constexpr int n = lanes<Real>;
    for (int i = 0; i < width_; ++i) {
      const R d = load<R>(d_out + i * n);
      weight_.add(i, change_of_product(d, load<R>(normal + i * n)));
      bias_.add(i, d.change[0]);
    }
  }

  void add_to(LayerNorm& totals) const {
    weight_.add_to(totals.weight);
    bias_.add_to(totals.bias);
  }

 private:
  int width_;
  LaneSums<Real> weight_;
  LaneSums<Real> bias_;
};

/// Sums for all weights of a network behind its first linear map.
template <class Real>
struct NetworkGradient {
  struct Step {
    ActivationGradient<Real> activation;
    std::optional<LayerNormGradient<Real>> norm;
    LinearGradient<Real> linear;
  };
  std::vector<std::vector<Step>> blocks;
  ActivationGradient<Real> activation;
  LinearGradient<Real> output;

  explicit NetworkGradient(const NetworkKernel<Real>& network)
      : activation(network.activation().width()), output(network.output().inputs(), network.output().outputs()) {
    for (const auto& block : network.blocks()) {
      std::vector<Step>& steps = blocks.emplace_back();
      for (const auto& step : block) {
        const int width = step.activation.width();
        steps.push_back({ActivationGradient<Real>(width),
                         step.norm ? std::optional(LayerNormGradient<Real>(width)) : std::nullopt,
                         LinearGradient<Real>(width, step.linear.outputs())});
      }
    }
  }

  /// Calls function(part) for every part.
  template <class Function>
  void for_each(const Function& function) {
    for (auto& block : blocks)
      for (Step& step : block) {
        function(step.activation);
        if (step.norm) function(*step.norm);
        function(step.linear);
      }
    function(activation);
    function(output);
  }

  void clear() {
    for_each([](auto& part) { part.clear(); });
  }

  void add(const NetworkGradient& other) {
    for (std::size_t b = 0; b < blocks.size(); ++b)
      for (std::size_t s = 0; s < blocks[b].size(); ++s) {
        const Step& from = other.blocks[b][s];
        blocks[b][s].activation.add(from.activation);
        if (from.norm) blocks[b][s].norm->add(*from.norm);
        blocks[b][s].linear.add(from.linear);
      }
    activation.add(other.activation);
    output.add(other.output);
  }

  void add_to(Network& totals) const {
    for (std::size_t b = 0; b < blocks.size(); ++b)
      for (std::size_t s = 0; s < blocks[b].size(); ++s) {
        ResidualStep& to = totals.blocks[b][s];
        blocks[b][s].activation.add_to(to.activation);
        if (to.norm) blocks[b][s].norm->add_to(*to.norm);
        blocks[b][s].linear.add_to(to.linear);
      }
    activation.add_to(totals.activation);
    output.add_to(totals.output);
  }
};

/// What the forward direction through a network leaves for its gradient, as rows of dual numbers.
template <class Real>
class NetworkTape {
 public:
  using D = Dual<Real>;

  struct Step {
    simd::AlignedVector<D> slope, by_alpha, by_beta, normal, linear_in;

    Step(int width, bool norm) {
      const auto rows = static_cast<std::size_t>(width) * lanes<Real>;
      for (auto* array : {&slope, &by_alpha, &by_beta}) array->resize(rows);
      if (norm) normal.resize(rows + lanes<Real>);
      linear_in.resize(static_cast<std::size_t>(whole_rows<Real>(width)) * lanes<Real>);
    }
  };

  explicit NetworkTape(const NetworkKernel<Real>& network) : last_(network.activation().width(), false) {
    for (const auto& block : network.blocks()) {
      std::vector<Step>& steps = blocks_.emplace_back();
      for (const auto& step : block) steps.emplace_back(step.activation.width(), step.norm.has_value());
    }
  }

  /// x [inputs()][lanes], overwritten -> out [outputs()][lanes]; `z` is [widest()][lanes].
  HWY_NOINLINE void forward(const NetworkKernel<Real>& network, D* x, D* out, D* z) {
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const D* step_in = x;
      for (std::size_t s = 0; s < blocks_[b].size(); ++s) {
        const auto& kernel = network.blocks()[b][s];
        Step& step = blocks_[b][s];
        activate(kernel.activation, step_in, step);
        if (kernel.norm)
          layer_norm_forward<true>(*kernel.norm, step.linear_in.data(), step.linear_in.data(), step.normal.data());
        kernel.linear.matrix.multiply(step.linear_in.data(), z);
        step_in = z;
      }
      if (step_in != x) add_rows(network.inputs(), z, x);
    }
    activate(network.activation(), x, last_);
    network.output().matrix.multiply(last_.linear_in.data(), out);
  }

  /// d_out -> d_in [inputs()][lanes], and sums; `dx` and `dy` are [widest()][lanes], `transposed` is for
  /// LinearGradient.
  HWY_NOINLINE void backward(const NetworkKernel<Real>& network, const D* d_out, D* d_in, NetworkGradient<Real>& sums,
                             D* dx, D* dy, Real* transposed) const {
    sums.output.add(last_.linear_in.data(), d_out, transposed);
    network.output().transposed.multiply(d_out, dy);
    activate_back(last_, dy, d_in, sums.activation, network.activation().width());
    for (std::size_t b = blocks_.size(); b-- > 0;) {
      const D* d_step = d_in;
      for (std::size_t s = blocks_[b].size(); s-- > 0;) {
        const auto& kernel = network.blocks()[b][s];
        const Step& step = blocks_[b][s];
        auto& sum = sums.blocks[b][s];
        sum.linear.add(step.linear_in.data(), d_step, transposed);
        kernel.linear.transposed.multiply(d_step, dy);
        if (kernel.norm) {
          sum.norm->add(dy, step.normal.data());
          layer_norm_backward(*kernel.norm, step.normal.data(), dy, dy);
        }
        activate_back(step, dy, dx, sum.activation, kernel.activation.width());
        d_step = dx;
      }
      if (d_step != d_in) add_rows(network.inputs(), dx, d_in);
    }
  }

 private:
  static void activate(const ActivationKernel<Real>& kernel, const D* in, Step& step) {
    activation_with_slopes(kernel, in, step.linear_in.data(), step.slope.data(), step.by_alpha.data(),
                           step.by_beta.data());
  }

  static HWY_NOINLINE void activate_back(const Step& step, const D* d_out, D* d_in, ActivationGradient<Real>& sum,
                                         int width) {
    using R = Row<D>;
    constexpr int n = lanes<Real>;
    sum.add(d_out, step.by_alpha.data(), step.by_beta.data());
    for (int i = 0; i < width; ++i) store(load<R>(d_out + i * n) * load<R>(step.slope.data() + i * n), d_in + i * n);
  }

  std::vector<std::vector<Step>> blocks_;
  Step last_;
};

}  // namespace grapevine::reann::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
