// What one atom does alone, for a block of atoms at a time: mixing of channels, gates, readout.
#if defined(GRAPEVINE_NEQUIP_NODE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_NODE_INL
#undef GRAPEVINE_NEQUIP_NODE_INL
#else
#define GRAPEVINE_NEQUIP_NODE_INL
#endif

#include <algorithm>
#include <span>
#include <vector>

#include "models/nequip/edges-inl.hpp"
#include "models/nequip/layout.hpp"
#include "models/nequip/parameters.hpp"
#include "simd/aligned_vector.hpp"
#include "simd/math-inl.hpp"
#include "simd/multiply_add-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

/// Irreps of a block of atoms: one after another, each as [atoms][components][padded channels], so that mixing of
/// channels is one product of matrices.
template <class Real>
struct BlockFeatures {
  const Layout* layout;
  std::ptrdiff_t most;  // atoms that there is room for
  Real* numbers;

  Real* of(int irreps) const { return numbers + layout->offset(irreps) * most; }
};

/// y += x W and its transpose, for matrices that are padded to whole lines.
template <class Real>
class PaddedMatrix {
 public:
  PaddedMatrix(int inputs, int outputs, const std::vector<double>& weight)
      : inputs_(padded(inputs)), outputs_(padded(outputs)) {
    forward_.assign(static_cast<std::size_t>(inputs_) * outputs_, Real(0));
    backward_.assign(forward_.size(), Real(0));
    for (int i = 0; i < inputs; ++i)
      for (int o = 0; o < outputs; ++o) {
        const Real w = static_cast<Real>(weight[static_cast<std::size_t>(i) * outputs + o]);
        forward_[static_cast<std::size_t>(i) * outputs_ + o] = w;
        backward_[static_cast<std::size_t>(o) * inputs_ + i] = w;
      }
  }

  int inputs() const { return inputs_; }
  int outputs() const { return outputs_; }

  /// y[rows][outputs] += x[rows][inputs] W
  void add(int rows, const Real* x, Real* y) const {
    multiply_add<Real>(rows, inputs_, outputs_, {x, inputs_, 1}, forward_.data(), outputs_, y, outputs_);
  }
  /// dx[rows][inputs] += dy[rows][outputs] W^T
  void add_transposed(int rows, const Real* dy, Real* dx) const {
    multiply_add<Real>(rows, outputs_, inputs_, {dy, outputs_, 1}, backward_.data(), inputs_, dx, inputs_);
  }

 private:
  int inputs_, outputs_;
  simd::AlignedVector<Real> forward_;   // [inputs][outputs]
  simd::AlignedVector<Real> backward_;  // [outputs][inputs]
};

/// EquivariantLinear for blocks of atoms.
template <class Real>
class LinearKernel {
 public:
  explicit LinearKernel(const EquivariantLinear& linear) {
    for (const auto& part : linear.parts) {
      const Irreps& from = linear.inputs[part.input];
      parts_.push_back({part.input, part.output, from.components(),
                        PaddedMatrix<Real>(from.channels, linear.outputs[part.output].channels, part.weight)});
    }
  }

  void add(int atoms, const BlockFeatures<Real>& x, const BlockFeatures<Real>& y) const {
    for (const Part& part : parts_) part.matrix.add(atoms * part.components, x.of(part.input), y.of(part.output));
  }
  void add_transposed(int atoms, const BlockFeatures<Real>& dy, const BlockFeatures<Real>& dx) const {
    for (const Part& part : parts_)
      part.matrix.add_transposed(atoms * part.components, dy.of(part.output), dx.of(part.input));
  }

 private:
  struct Part {
    int input, output, components;
    PaddedMatrix<Real> matrix;
  };
  std::vector<Part> parts_;
};

template <class Real>
void clear(int atoms, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i) std::fill_n(x.of(i), x.layout->size(i) * atoms, Real(0));
}

/// Every atom's numbers become those of `row`, which is laid out as one atom's.
template <class Real>
void spread(int atoms, const Real* row, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i)
    for (int a = 0; a < atoms; ++a)
      std::copy_n(row + x.layout->offset(i), x.layout->size(i), x.of(i) + a * x.layout->size(i));
}

/// Rows of atoms to a block and back.
template <class Real>
void gather_rows(std::span<const int> atoms, const Real* rows, std::ptrdiff_t stride, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i) {
    Real* to = x.of(i);
    for (const int atom : atoms) {
      std::copy_n(rows + atom * stride + x.layout->offset(i), x.layout->size(i), to);
      to += x.layout->size(i);
    }
  }
}

template <class Real>
void scatter_rows(std::span<const int> atoms, const BlockFeatures<Real>& x, Real* rows, std::ptrdiff_t stride) {
  for (int i = 0; i < x.layout->count(); ++i) {
    const Real* from = x.of(i);
    for (const int atom : atoms) {
      std::copy_n(from, x.layout->size(i), rows + atom * stride + x.layout->offset(i));
      from += x.layout->size(i);
    }
  }
}

/// Value and slope of an activation, for numbers side by side.
template <class P, class Real>
HWY_INLINE void activate(const Activation& activation, const P& x, P& value, P& slope) {
  const P one = broadcast<P>(Real(1));
  const P zeros = zero<P>();
  const auto sigmoid = [&](const P& at) HWY_ATTR { return one / (one + exponential(zeros - at)); };
  switch (activation.kind) {
    case ActivationKind::identity:
      value = x;
      slope = one;
      break;
    case ActivationKind::silu: {
      const P s = sigmoid(x);
      value = x * s;
      slope = s * (one + x * (one - s));
      break;
    }
    case ActivationKind::tanh: {
      const P s = sigmoid(x + x);
      value = s + s - one;
      slope = one - value * value;
      break;
    }
    case ActivationKind::sigmoid: {
      value = sigmoid(x);
      slope = value * (one - value);
      break;
    }
    default: {
      Real values[P::lanes];
      Real slopes[P::lanes];
      store(x, values);
      Activation unscaled = activation;
      unscaled.scale = 1;
      for (int lane = 0; lane < P::lanes; ++lane) {
        const double at = static_cast<double>(values[lane]);
        values[lane] = static_cast<Real>(unscaled.value(at));
        slopes[lane] = static_cast<Real>(unscaled.slope(at));
      }
      value = load<P>(values);
      slope = load<P>(slopes);
    }
  }
  const P scale = broadcast<P>(static_cast<Real>(activation.scale));
  value = scale * value;
  slope = scale * slope;
}

/// x = gate(z) and dE/dz from dE/dx. Places of irreps in z: scalars, gates, gated; in x: scalars, gated.
template <class Real>
class GateKernel {
 public:
  explicit GateKernel(const Gate& gate) : gate_(gate) {}

  HWY_NOINLINE void forward(int atoms, const BlockFeatures<Real>& z, const BlockFeatures<Real>& x) const {
    using P = Line<Real>;
    const int scalars = static_cast<int>(gate_.scalars.size());
    const int gated = static_cast<int>(gate_.gated.size());
    P value, slope;
    for (int i = 0; i < scalars; ++i)
      for (std::ptrdiff_t n = 0; n < x.layout->size(i) * atoms; n += P::lanes) {
        activate<P, Real>(gate_.scalar_activation[i], load<P>(z.of(i) + n), value, slope);
        store(value, x.of(i) + n);
      }
    for (int i = 0; i < gated; ++i) {
      const int row = z.layout->channels(scalars + i);
      const int components = gate_.gated[i].components();
      for (int a = 0; a < atoms; ++a)
        for (int c = 0; c < row; c += P::lanes) {
          activate<P, Real>(gate_.gate_activation[i], load<P>(z.of(scalars + i) + a * row + c), value, slope);
          for (int m = 0; m < components; ++m) {
            const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(a) * components + m) * row + c;
            store(value * load<P>(z.of(scalars + gated + i) + at), x.of(scalars + i) + at);
          }
        }
    }
  }

  /// dz may not be z.
  HWY_NOINLINE void backward(int atoms, const BlockFeatures<Real>& z, const BlockFeatures<Real>& dx,
                             const BlockFeatures<Real>& dz) const {
    using P = Line<Real>;
    const int scalars = static_cast<int>(gate_.scalars.size());
    const int gated = static_cast<int>(gate_.gated.size());
    P value, slope;
    for (int i = 0; i < scalars; ++i)
      for (std::ptrdiff_t n = 0; n < dx.layout->size(i) * atoms; n += P::lanes) {
        activate<P, Real>(gate_.scalar_activation[i], load<P>(z.of(i) + n), value, slope);
        store(slope * load<P>(dx.of(i) + n), dz.of(i) + n);
      }
    for (int i = 0; i < gated; ++i) {
      const int row = z.layout->channels(scalars + i);
      const int components = gate_.gated[i].components();
      for (int a = 0; a < atoms; ++a)
        for (int c = 0; c < row; c += P::lanes) {
          activate<P, Real>(gate_.gate_activation[i], load<P>(z.of(scalars + i) + a * row + c), value, slope);
          P sum = zero<P>();
          for (int m = 0; m < components; ++m) {
            const std::ptrdiff_t at = (static_cast<std::ptrdiff_t>(a) * components + m) * row + c;
            const P d = load<P>(dx.of(scalars + i) + at);
            sum = mul_add(d, load<P>(z.of(scalars + gated + i) + at), sum);
            store(value * d, dz.of(scalars + gated + i) + at);
          }
          store(slope * sum, dz.of(scalars + i) + a * row + c);
        }
    }
  }

 private:
  Gate gate_;
};

/// Energies from the even scalars of the last features, and dE/dx.
template <class Real>
class ReadoutKernel {
 public:
  ReadoutKernel(const Parameters& p, const Layout& features) : activation_(p.readout_activation) {
    int first = 0;
    const IrrepsList& irreps = features.irreps();
    const Dense& dense = p.readout.front();
    for (int i = 0; i < static_cast<int>(irreps.size()); ++i) {
      if (irreps[i].order != 0 || irreps[i].parity != 1) continue;
      const auto begin = dense.weight.begin() + static_cast<std::ptrdiff_t>(first) * dense.outputs;
      const std::vector<double> weight(begin, begin + static_cast<std::ptrdiff_t>(irreps[i].channels) * dense.outputs);
      inputs_.push_back({i, PaddedMatrix<Real>(irreps[i].channels, dense.outputs, weight)});
      first += irreps[i].channels;
    }
    for (std::size_t n = 0; n < p.readout.size(); ++n) {
      if (n > 0) layers_.emplace_back(p.readout[n].inputs, p.readout[n].outputs, p.readout[n].weight);
      std::vector<Real>& bias = biases_.emplace_back(padded(p.readout[n].outputs), Real(0));
      std::transform(p.readout[n].bias.begin(), p.readout[n].bias.end(), bias.begin(),
                     [](double value) { return static_cast<Real>(value); });
    }
  }

  struct Scratch {
    std::vector<simd::AlignedVector<Real>> values;  // [layers] before the activation
    std::vector<simd::AlignedVector<Real>> others;  // [layers]
  };

  Scratch make_scratch(int most_atoms) const {
    Scratch scratch;
    for (const auto& bias : biases_) {
      scratch.values.emplace_back(bias.size() * most_atoms);
      scratch.others.emplace_back(bias.size() * most_atoms);
    }
    return scratch;
  }

  /// energy[atom * energy_stride] gets the readout; dx, which must be clear, gets its gradient.
  void run(int atoms, const BlockFeatures<Real>& x, Scratch& scratch, double* energy,
           const BlockFeatures<Real>& dx) const {
    const std::size_t layers = biases_.size();
    for (std::size_t n = 0; n < layers; ++n) {
      Real* values = scratch.values[n].data();
      for (int a = 0; a < atoms; ++a) std::copy(biases_[n].begin(), biases_[n].end(), values + a * biases_[n].size());
      if (n == 0)
        for (const Input& input : inputs_) input.matrix.add(atoms, x.of(input.irreps), values);
      else
        layers_[n - 1].add(atoms, scratch.others[n - 1].data(), values);
      if (n + 1 < layers) apply(scratch.values[n], scratch.others[n], scratch.values[n]);
    }
    const std::size_t row = biases_.back().size();
    simd::AlignedVector<Real>& last = scratch.others.back();
    std::fill(last.begin(), last.end(), Real(0));
    for (int a = 0; a < atoms; ++a) {
      energy[a] = static_cast<double>(scratch.values.back()[a * row]);
      last[a * row] = Real(1);
    }
    backward(atoms, scratch, dx);
  }

 private:
  struct Input {
    int irreps;
    PaddedMatrix<Real> matrix;
  };

  /// value = act(x), slope_out = act'(x); slope_out may be x.
  HWY_NOINLINE void apply(const simd::AlignedVector<Real>& x, simd::AlignedVector<Real>& value_out,
                          simd::AlignedVector<Real>& slope_out) const {
    using P = Line<Real>;
    P value, slope;
    for (std::size_t n = 0; n < x.size(); n += P::lanes) {
      activate<P, Real>(activation_, load<P>(x.data() + n), value, slope);
      store(value, value_out.data() + n);
      store(slope, slope_out.data() + n);
    }
  }

  void backward(int atoms, Scratch& scratch, const BlockFeatures<Real>& dx) const {
    for (std::size_t n = biases_.size() - 1; n > 0; --n) {
      simd::AlignedVector<Real>& d = scratch.others[n - 1];
      std::fill(d.begin(), d.end(), Real(0));
      layers_[n - 1].add_transposed(atoms, scratch.others[n].data(), d.data());
      for (std::size_t i = 0; i < d.size(); ++i) d[i] *= scratch.values[n - 1][i];
    }
    for (const Input& input : inputs_)
      input.matrix.add_transposed(atoms, scratch.others[0].data(), dx.of(input.irreps));
  }

  Activation activation_;
  std::vector<Input> inputs_;
  std::vector<PaddedMatrix<Real>> layers_;  // behind the first
  std::vector<std::vector<Real>> biases_;
};

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
