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

/// Energies from the even scalars of the last features, and dE/dx.
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

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
