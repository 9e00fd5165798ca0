// Sums of the gradient of a loss by the weights of an equivariant linear map and by rows of atoms.
#if defined(GRAPEVINE_EQUIVARIANT_LINEAR_GRADIENT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_LINEAR_GRADIENT_INL
#undef GRAPEVINE_EQUIVARIANT_LINEAR_GRADIENT_INL
#else
#define GRAPEVINE_EQUIVARIANT_LINEAR_GRADIENT_INL
#endif

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "models/equivariant/features-inl.hpp"
#include "models/equivariant/linear.hpp"
#include "models/equivariant/training/matrix_gradient-inl.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Of LinearKernel, by its weights; see MatrixGradient.
template <class Real>
class LinearGradient {
 public:
  explicit LinearGradient(const EquivariantLinear& linear) {
    for (const auto& part : linear.parts) {
      const Irreps& from = linear.inputs[part.input];
      parts_.push_back({part.input, part.output, from.components(),
                        MatrixGradient<Real>(from.channels, linear.outputs[part.output].channels)});
    }
  }

  void clear() {
    for (Part& part : parts_) part.matrix.clear();
  }

  /// Of both, the changes of all atoms stand behind their values.
  void add(int atoms, const BlockFeatures<Real>& x, const BlockFeatures<Real>& dy) {
    for (Part& part : parts_) part.matrix.add(atoms * part.components, x.of(part.input), dy.of(part.output));
  }
  void add(const LinearGradient& other) {
    for (std::size_t p = 0; p < parts_.size(); ++p) parts_[p].matrix.add(other.parts_[p].matrix);
  }

  /// To the gradient by a map of the same parts; its biases stay as they are.
  void add_to(EquivariantLinear& gradient) const {
    for (std::size_t p = 0; p < parts_.size(); ++p) parts_[p].matrix.add_to(gradient.parts[p].weight);
  }

 private:
  struct Part {
    int input, output, components;
    MatrixGradient<Real> matrix;
  };
  std::vector<Part> parts_;
};

/// By a row that is the same for all atoms, as spread() takes it. It does not change when atoms move, so that the
/// gradient is the sum of d' alone.
template <class Real>
class RowGradient {
 public:
  explicit RowGradient(const Layout& layout) : sum_(static_cast<std::size_t>(layout.size()), Real(0)) {}

  void clear() { std::fill(sum_.begin(), sum_.end(), Real(0)); }

  /// The changes of all atoms stand behind their values.
  void add(int atoms, const BlockFeatures<Real>& dy) {
    const Layout& layout = *dy.layout;
    for (int i = 0; i < layout.count(); ++i) add(atoms, layout.size(i), dy.of(i), sum_.data() + layout.offset(i));
  }
  void add(const RowGradient& other) {
    std::transform(sum_.begin(), sum_.end(), other.sum_.begin(), sum_.begin(), std::plus<>());
  }

  /// A row, as Layout has it; what is in the padding means nothing.
  std::span<const Real> numbers() const { return sum_; }

 private:
  static HWY_NOINLINE void add(int atoms, std::ptrdiff_t size, const Real* dy, Real* sum) {
    using P = Line<Real>;
    const Real* changes = dy + atoms * size;
    for (std::ptrdiff_t n = 0; n < size; n += P::lanes) {
      P line = load<P>(sum + n);
      for (int a = 0; a < atoms; ++a) line = line + load<P>(changes + a * size + n);
      store(line, sum + n);
    }
  }

  simd::AlignedVector<Real> sum_;
};

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
