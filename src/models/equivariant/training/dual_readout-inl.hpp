// Readouts on numbers with their changes, and the gradient of a loss by their weights.
#if defined(GRAPEVINE_EQUIVARIANT_DUAL_READOUT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_DUAL_READOUT_INL
#undef GRAPEVINE_EQUIVARIANT_DUAL_READOUT_INL
#else
#define GRAPEVINE_EQUIVARIANT_DUAL_READOUT_INL
#endif

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/equivariant/training/dual_network-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// A network's energies of the even scalars of a block. Features and their gradients are those of atoms and, behind
/// them, of their changes.
template <class Real>
class DualReadout {
 public:
  using Gradient = typename DualNetwork<Real>::Gradient;

  DualReadout(const std::vector<Dense>& layers, const Activation& activation, const Layout& features)
      : network_(layers, activation) {
    std::ptrdiff_t first = 0;
    for (int i = 0; i < features.count(); ++i) {
      const Irreps& of = features.irreps()[static_cast<std::size_t>(i)];
      if (!of.is_even_scalar()) continue;
      scalars_.push_back({i, of.channels, features.channels(i), first});
      first += of.channels;
    }
  }

  void assign(const std::vector<Dense>& layers) { network_.assign(layers); }

  struct Scratch {
    typename DualNetwork<Real>::Tape tape;
    simd::AlignedVector<Real> x;  // [2][atoms][scalars, padded]
    simd::AlignedVector<Real> dy, dx;
  };

  /// energy is [atoms][2], value and change.
  void forward(int atoms, const BlockFeatures<Real>& x, Scratch& scratch, double* energy) const {
    scratch.x.assign(static_cast<std::size_t>(2 * atoms) * network_.inputs(), Real(0));
    for_each_piece(atoms, x, scratch.x,
                   [](int channels, Real* of_block, Real* of_row) { std::copy_n(of_block, channels, of_row); });
    network_.forward(atoms, scratch.x.data(), scratch.tape);
    const Real* y = scratch.tape.y();
    for (int a = 0; a < atoms; ++a)
      for (int plane = 0; plane < 2; ++plane)
        *energy++ = static_cast<double>(y[static_cast<std::ptrdiff_t>(plane * atoms + a) * network_.outputs()]);
  }

  /// From dE/d(energy) of every atom and its change, after forward(): adds to the gradient and to dx.
  void backward(int atoms, const Real* seed, const Real* seed_change, Scratch& scratch, Gradient& gradient,
                const BlockFeatures<Real>& dx) const {
    const std::ptrdiff_t row = network_.outputs();
    scratch.dy.assign(static_cast<std::size_t>(2 * atoms * row), Real(0));
    for (int a = 0; a < atoms; ++a) {
      scratch.dy[a * row] = seed[a];
      scratch.dy[(atoms + a) * row] = seed_change[a];
    }
    scratch.dx.resize(scratch.x.size());
    network_.backward(atoms, scratch.dy.data(), scratch.tape, gradient, scratch.dx.data());
    for_each_piece(atoms, dx, scratch.dx, [](int channels, Real* of_block, const Real* of_row) {
      for (int c = 0; c < channels; ++c) of_block[c] += of_row[c];
    });
  }

 private:
  struct Scalars {
    int irreps;
    int channels;
    std::ptrdiff_t row;    // of an atom in the block
    std::ptrdiff_t first;  // where they begin in an atom's row of all scalars
  };

  template <class Function>
  void for_each_piece(int atoms, const BlockFeatures<Real>& block, simd::AlignedVector<Real>& rows,
                      const Function& function) const {
    for (const Scalars& of : scalars_)
      for (int a = 0; a < 2 * atoms; ++a)
        function(of.channels, block.of(of.irreps) + a * of.row,
                 rows.data() + static_cast<std::ptrdiff_t>(a) * network_.inputs() + of.first);
  }

  DualNetwork<Real> network_;
  std::vector<Scalars> scalars_;
};

/// Energies that are linear in the even scalars of a block, likewise.
template <class Real>
class DualLinearReadout {
 public:
  /// `weight` is of all even scalars, or empty: then there is no energy.
  DualLinearReadout(const IrrepsList& irreps, const std::vector<double>& weight) : irreps_(irreps) { assign(weight); }

  void assign(const std::vector<double>& weight) {
    weight_.clear();
    if (!weight.empty()) weight_ = in_precision<Real>(even_scalar_row(irreps_, weight.data()));
  }

  class Gradient {
   public:
    explicit Gradient(const DualLinearReadout& readout) : irreps_(readout.irreps_), sum_(readout.weight_.size()) {}

    void clear() { std::fill(sum_.begin(), sum_.end(), Real(0)); }
    void add(const Gradient& other) {
      for (std::size_t n = 0; n < sum_.size(); ++n) sum_[n] += other.sum_[n];
    }

    /// To a gradient by the weights of all even scalars, or to none.
    void add_to(std::vector<double>& weight) const {
      auto to = weight.begin();
      std::size_t first = 0;
      for (const Irreps& of : irreps_) {
        if (of.is_even_scalar() && !sum_.empty())
          for (int c = 0; c < of.channels; ++c) *to++ += static_cast<double>(sum_[first + c]);
        first += static_cast<std::size_t>(of.components()) * padded(of.channels);
      }
    }

   private:
    friend class DualLinearReadout;
    IrrepsList irreps_;
    simd::AlignedVector<Real> sum_;  // a row
  };

  /// energy is [atoms][2], value and change.
  void forward(int atoms, const BlockFeatures<Real>& x, double* energy) const {
    for (int a = 0; a < atoms; ++a)
      for (int plane = 0; plane < 2; ++plane) {
        double sum = 0;
        for_each_piece(x, [&](std::ptrdiff_t first, std::ptrdiff_t row) {
          const Real* numbers = x.numbers + first * x.most + (plane * atoms + a) * row;
          for (std::ptrdiff_t c = 0; c < row; ++c)
            sum += static_cast<double>(weight_[first + c]) * static_cast<double>(numbers[c]);
        });
        *energy++ = sum;
      }
  }

  /// From dE/d(energy) of every atom and its change: adds to the gradient and to dx.
  void backward(int atoms, const Real* seed, const Real* seed_change, const BlockFeatures<Real>& x, Gradient& gradient,
                const BlockFeatures<Real>& dx) const {
    for_each_piece(x, [&](std::ptrdiff_t first, std::ptrdiff_t row) {
      const Real* value = x.numbers + first * x.most;
      Real* d_value = dx.numbers + first * dx.most;
      for (int a = 0; a < atoms; ++a, value += row, d_value += row)
        for (std::ptrdiff_t c = 0; c < row; ++c) {
          gradient.sum_[first + c] += value[c] * seed_change[a] + value[atoms * row + c] * seed[a];
          d_value[c] += weight_[first + c] * seed[a];
          d_value[atoms * row + c] += weight_[first + c] * seed_change[a];
        }
    });
  }

 private:
  /// Calls function(place in a row, padded channels) for all even scalars.
  template <class Function>
  void for_each_piece(const BlockFeatures<Real>& x, const Function& function) const {
    if (weight_.empty()) return;
    for (int i = 0; i < x.layout->count(); ++i)
      if (x.layout->irreps()[static_cast<std::size_t>(i)].is_even_scalar())
        function(x.layout->offset(i), x.layout->size(i));
  }

  IrrepsList irreps_;
  std::vector<Real> weight_;  // a row
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
