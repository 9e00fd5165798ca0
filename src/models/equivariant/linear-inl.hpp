// Mixing of channels for a block of atoms.
#if defined(GRAPEVINE_EQUIVARIANT_LINEAR_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_LINEAR_INL
#undef GRAPEVINE_EQUIVARIANT_LINEAR_INL
#else
#define GRAPEVINE_EQUIVARIANT_LINEAR_INL
#endif

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/equivariant/features-inl.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/rows.hpp"
#include "simd/aligned_vector.hpp"
#include "simd/multiply_add-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

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
        forward_[place(i, o, inputs_, outputs_)] = w;
        backward_[place(o, i, outputs_, inputs_)] = w;
      }
  }

  int inputs() const { return inputs_; }
  int outputs() const { return outputs_; }

  /// y[rows][outputs] += x[rows][inputs] W
  void add(int rows, const Real* x, Real* y) const { add(rows, inputs_, outputs_, x, forward_.data(), y); }
  /// dx[rows][inputs] += dy[rows][outputs] W^T
  void add_transposed(int rows, const Real* dy, Real* dx) const {
    add(rows, outputs_, inputs_, dy, backward_.data(), dx);
  }

 private:
  // A panel of two lines of columns stays in the first cache while all rows take it. Within a matrix, rows of a power
  // of two of lines would share a few places of the cache.
  static constexpr int panel = 2 * Line<Real>::lanes;

  /// Where an element stands in a matrix by panels.
  static std::size_t place(int row, int column, int rows, int columns) {
    const int first = column / panel * panel;
    return static_cast<std::size_t>(first) * rows + static_cast<std::size_t>(row) * std::min(panel, columns - first) +
           (column - first);
  }

  static void add(int rows, int inner, int columns, const Real* x, const Real* matrix, Real* y) {
    for (int first = 0; first < columns; first += panel) {
      const int width = std::min(panel, columns - first);
      multiply_add<Real>(rows, inner, width, {x, inner, 1}, matrix + static_cast<std::ptrdiff_t>(first) * inner, width,
                         y + first, columns);
    }
  }

  int inputs_, outputs_;
  simd::AlignedVector<Real> forward_;   // [panels][inputs][columns of the panel]
  simd::AlignedVector<Real> backward_;  // of the transposed matrix
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

/// The same with its biases.
template <class Real>
class AffineKernel {
 public:
  explicit AffineKernel(const EquivariantLinear& linear)
      : linear_(linear), bias_(in_precision<Real>(bias_row(linear))) {}

  /// y = x W + bias
  template <int K = 0>
  void run(int atoms, const BlockFeatures<Real>& x, const BlockFeatures<Real>& y) const {
    spread<K>(atoms, bias_.data(), y);
    linear_.add((1 + K) * atoms, x, y);
  }
  void add_transposed(int atoms, const BlockFeatures<Real>& dy, const BlockFeatures<Real>& dx) const {
    linear_.add_transposed(atoms, dy, dx);
  }

  const LinearKernel<Real>& linear() const { return linear_; }

 private:
  LinearKernel<Real> linear_;
  std::vector<Real> bias_;  // a row
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
