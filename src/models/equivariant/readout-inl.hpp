// Energies of a block of atoms from their last features.
#if defined(GRAPEVINE_EQUIVARIANT_READOUT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_READOUT_INL
#undef GRAPEVINE_EQUIVARIANT_READOUT_INL
#else
#define GRAPEVINE_EQUIVARIANT_READOUT_INL
#endif

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/equivariant/gate-inl.hpp"
#include "models/equivariant/linear-inl.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Energies from the even scalars of the last features, their changes, and dE/dx.
template <class Real>
class ReadoutKernel {
 public:
  ReadoutKernel(const std::vector<Dense>& layers, const Activation& activation, const Layout& features)
      : activation_(activation) {
    int first = 0;
    const IrrepsList& irreps = features.irreps();
    const Dense& dense = layers.front();
    for (int i = 0; i < static_cast<int>(irreps.size()); ++i) {
      if (!irreps[i].is_even_scalar()) continue;
      const auto begin = dense.weight.begin() + static_cast<std::ptrdiff_t>(first) * dense.outputs;
      const std::vector<double> weight(begin, begin + static_cast<std::ptrdiff_t>(irreps[i].channels) * dense.outputs);
      inputs_.push_back({i, PaddedMatrix<Real>(irreps[i].channels, dense.outputs, weight)});
      first += irreps[i].channels;
    }
    for (std::size_t n = 0; n < layers.size(); ++n) {
      if (n > 0) layers_.emplace_back(layers[n].inputs, layers[n].outputs, layers[n].weight);
      std::vector<Real>& bias = biases_.emplace_back(padded(layers[n].outputs), Real(0));
      std::transform(layers[n].bias.begin(), layers[n].bias.end(), bias.begin(),
                     [](double value) { return static_cast<Real>(value); });
    }
  }

  struct Scratch {
    std::vector<simd::AlignedVector<Real>> values;  // [layers] before the activation, then its slopes
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

  /// energy [atoms][1 + K] gets the readout; scratch keeps what add_gradient() needs.
  template <int K = 0>
  void run(int atoms, const BlockFeatures<Real>& x, Scratch& scratch, double* energy) const {
    const std::size_t layers = biases_.size();
    const int rows = (1 + K) * atoms;
    for (std::size_t n = 0; n < layers; ++n) {
      const std::size_t row = biases_[n].size();
      Real* values = scratch.values[n].data();
      for (int a = 0; a < atoms; ++a) std::copy(biases_[n].begin(), biases_[n].end(), values + a * row);
      std::fill_n(values + atoms * row, K * atoms * row, Real(0));
      if (n == 0)
        for (const Input& input : inputs_) input.matrix.add(rows, x.of(input.irreps), values);
      else
        layers_[n - 1].add(rows, scratch.others[n - 1].data(), values);
      if (n + 1 < layers) apply<K>(atoms * row, values, scratch.others[n].data());
    }
    const std::size_t row = biases_.back().size();
    for (int a = 0; a < atoms; ++a)
      for (int plane = 0; plane <= K; ++plane)
        *energy++ = static_cast<double>(scratch.values.back()[(plane * atoms + a) * row]);
  }

  /// dx += the readout's gradient, after run().
  void add_gradient(int atoms, Scratch& scratch, const BlockFeatures<Real>& dx) const {
    const std::size_t row = biases_.back().size();
    simd::AlignedVector<Real>& last = scratch.others.back();
    std::fill(last.begin(), last.end(), Real(0));
    for (int a = 0; a < atoms; ++a) last[a * row] = Real(1);
    backward(atoms, scratch, dx);
  }

 private:
  struct Input {
    int irreps;
    PaddedMatrix<Real> matrix;
  };

  /// y = act(x), with its changes; the values of x become act'(x).
  template <int K>
  HWY_NOINLINE void apply(std::size_t plane, Real* x, Real* y) const {
    using P = Line<Real>;
    P value, slope;
    for (std::size_t n = 0; n < plane; n += P::lanes) {
      activate<P, Real>(activation_, load<P>(x + n), value, slope);
      store(value, y + n);
      store(slope, x + n);
      for (std::size_t k = 1; k <= K; ++k) store(slope * load<P>(x + k * plane + n), y + k * plane + n);
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

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
