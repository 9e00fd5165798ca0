// Dual numbers of single atoms with all their features.
#if defined(GRAPEVINE_EQUIVARIANT_DUAL_ATOMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_DUAL_ATOMS_INL
#undef GRAPEVINE_EQUIVARIANT_DUAL_ATOMS_INL
#else
#define GRAPEVINE_EQUIVARIANT_DUAL_ATOMS_INL
#endif

#include <cstddef>

#include "models/equivariant/features-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

template <class Real>
struct DualNumber {
  Real value = 0;
  Real change = 0;

  DualNumber operator*(const DualNumber& other) const {
    return {value * other.value, value * other.change + change * other.value};
  }
};

/// Numbers of one of a block's atoms, times a factor.
template <class Real>
void scale_atom_in_duals(int atoms, int atom, const DualNumber<Real>& factor, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i) {
    const std::ptrdiff_t size = x.layout->size(i);
    Real* values = x.of(i) + atom * size;
    Real* changes = values + atoms * size;
    for (std::ptrdiff_t n = 0; n < size; ++n) {
      changes[n] = factor.value * changes[n] + factor.change * values[n];
      values[n] *= factor.value;
    }
  }
}

/// Sum of the products of all numbers of an atom; x and y are laid out alike.
template <class Real>
DualNumber<Real> dot_of_atom_in_duals(int atoms, int atom, const BlockFeatures<Real>& x, const BlockFeatures<Real>& y) {
  DualNumber<Real> sum;
  for (int i = 0; i < x.layout->count(); ++i) {
    const std::ptrdiff_t size = x.layout->size(i);
    const Real* a = x.of(i) + atom * size;
    const Real* b = y.of(i) + atom * size;
    for (std::ptrdiff_t n = 0; n < size; ++n) {
      sum.value += a[n] * b[n];
      sum.change += a[n] * b[n + atoms * size] + a[n + atoms * size] * b[n];
    }
  }
  return sum;
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
