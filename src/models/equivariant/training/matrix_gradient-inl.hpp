// Sums of the gradient of a loss by a matrix.
#if defined(GRAPEVINE_EQUIVARIANT_MATRIX_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_MATRIX_GRADIENT_INL
#undef GRAPEVINE_EQUIVARIANT_MATRIX_GRADIENT_INL
#else
#define GRAPEVINE_EQUIVARIANT_MATRIX_GRADIENT_INL
#endif

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/equivariant/layout.hpp"
#include "models/equivariant/line-inl.hpp"
#include "simd/aligned_vector.hpp"
#include "simd/multiply_add-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// In training every number x of a block has its change x' as atoms move along the slopes of the loss by the forces,
/// and the way back carries d = dE/dx with its change d', seeded at every energy by -1 and by the loss's slope by that
/// energy. The gradient of the loss by a weight w of y = w x is then x d' + x' d. Arrays are two planes, first the
/// values of all atoms, then all changes.
///
/// This is it for y = x W, W as PaddedMatrix has it.
template <class Real>
class MatrixGradient {
 public:
  MatrixGradient(int inputs, int outputs)
      : inputs_(inputs), outputs_(outputs), sum_(static_cast<std::size_t>(padded(inputs)) * padded(outputs), Real(0)) {}

  void clear() { std::fill(sum_.begin(), sum_.end(), Real(0)); }

  /// x is [2][rows][padded inputs], dy is [2][rows][padded outputs].
  void add(int rows, const Real* x, const Real* dy) {
    const int row = padded(inputs_);
    const int columns = padded(outputs_);
    const std::ptrdiff_t x_plane = static_cast<std::ptrdiff_t>(rows) * row;
    const std::ptrdiff_t dy_plane = static_cast<std::ptrdiff_t>(rows) * columns;
    multiply_add<Real>(row, rows, columns, {x, 1, row}, dy + dy_plane, columns, sum_.data(), columns);
    multiply_add<Real>(row, rows, columns, {x + x_plane, 1, row}, dy, columns, sum_.data(), columns);
  }
  void add(const MatrixGradient& other) {
    std::transform(sum_.begin(), sum_.end(), other.sum_.begin(), sum_.begin(), [](Real a, Real b) { return a + b; });
  }

  /// To a gradient by the matrix without its padding, [inputs][outputs].
  void add_to(std::vector<double>& weight) const {
    for (int i = 0; i < inputs_; ++i)
      for (int o = 0; o < outputs_; ++o)
        weight[static_cast<std::size_t>(i) * outputs_ + o] +=
            static_cast<double>(sum_[static_cast<std::size_t>(i) * padded(outputs_) + o]);
  }

 private:
  int inputs_, outputs_;
  simd::AlignedVector<Real> sum_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
