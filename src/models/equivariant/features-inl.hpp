// Features of a block of atoms, and their way from and to the rows of all atoms.
#if defined(GRAPEVINE_EQUIVARIANT_FEATURES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_FEATURES_INL
#undef GRAPEVINE_EQUIVARIANT_FEATURES_INL
#else
#define GRAPEVINE_EQUIVARIANT_FEATURES_INL
#endif

#include <algorithm>
#include <cstddef>
#include <span>

#include "models/equivariant/layout.hpp"
#include "models/equivariant/line-inl.hpp"
#include "simd/aligned_vector.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Irreps of a block of atoms: one after another, each as [atoms][components][padded channels], so that mixing of
/// channels is one product of matrices. Where numbers change in K directions, there are as many atoms again for each:
/// what is linear takes them as (1 + K) atoms of an atom's.
template <class Real>
struct BlockFeatures {
  const Layout* layout;
  std::ptrdiff_t most;  // atoms that there is room for
  Real* numbers;

  Real* of(int irreps) const { return numbers + layout->offset(irreps) * most; }
};

/// Memory for blocks of up to `most` atoms, for irreps of several sorts in turn.
template <class Real, int most>
class BlockBuffer {
 public:
  /// Makes room.
  void fit(const Layout& layout) {
    numbers_.resize(std::max(numbers_.size(), static_cast<std::size_t>(layout.size()) * most));
  }
  BlockFeatures<Real> as(const Layout& layout) { return {&layout, most, numbers_.data()}; }

 private:
  simd::AlignedVector<Real> numbers_;
};

template <class Real>
void clear(int atoms, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i) std::fill_n(x.of(i), x.layout->size(i) * atoms, Real(0));
}

/// x and y are laid out alike.
template <class Real>
void copy(int atoms, const BlockFeatures<Real>& x, const BlockFeatures<Real>& y) {
  for (int i = 0; i < x.layout->count(); ++i) std::copy_n(x.of(i), x.layout->size(i) * atoms, y.of(i));
}

template <class Real>
void scale(int atoms, Real factor, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i)
    for (std::ptrdiff_t n = 0; n < x.layout->size(i) * atoms; ++n) x.of(i)[n] *= factor;
}

template <class Real>
void scale_atom(int atom, Real factor, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i) {
    Real* numbers = x.of(i) + atom * x.layout->size(i);
    for (std::ptrdiff_t n = 0; n < x.layout->size(i); ++n) numbers[n] *= factor;
  }
}

/// Numbers of one atom, times a factor, to those of another.
template <class Real>
void add_atom(int from, Real factor, int to, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i) {
    const std::ptrdiff_t size = x.layout->size(i);
    for (std::ptrdiff_t n = 0; n < size; ++n) x.of(i)[to * size + n] += factor * x.of(i)[from * size + n];
  }
}

/// Sum of the products of all numbers of an atom; x and y are laid out alike.
template <class Real>
Real dot_of_atom(int atom, const BlockFeatures<Real>& x, const BlockFeatures<Real>& y) {
  Real sum = 0;
  for (int i = 0; i < x.layout->count(); ++i)
    for (std::ptrdiff_t n = atom * x.layout->size(i); n < (atom + 1) * x.layout->size(i); ++n)
      sum += x.of(i)[n] * y.of(i)[n];
  return sum;
}

/// Every atom's numbers become those of `row`, which is laid out as one atom's and does not change.
template <int K = 0, class Real>
void spread(int atoms, const Real* row, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i) {
    Real* to = x.of(i);
    for (int a = 0; a < atoms; ++a, to += x.layout->size(i))
      std::copy_n(row + x.layout->offset(i), x.layout->size(i), to);
    std::fill_n(to, K * atoms * x.layout->size(i), Real(0));
  }
}

/// Rows of atoms to a block and back. A row is followed by those of its changes.
template <int K = 0, class Real>
void gather_rows(std::span<const int> atoms, const Real* rows, std::ptrdiff_t stride, const BlockFeatures<Real>& x) {
  for (int i = 0; i < x.layout->count(); ++i) {
    Real* to = x.of(i);
    for (int plane = 0; plane <= K; ++plane)
      for (const int atom : atoms) {
        std::copy_n(rows + ((1 + K) * std::ptrdiff_t{atom} + plane) * stride + x.layout->offset(i), x.layout->size(i),
                    to);
        to += x.layout->size(i);
      }
  }
}

template <int K = 0, class Real>
void scatter_rows(std::span<const int> atoms, const BlockFeatures<Real>& x, Real* rows, std::ptrdiff_t stride) {
  for (int i = 0; i < x.layout->count(); ++i) {
    const Real* from = x.of(i);
    for (int plane = 0; plane <= K; ++plane)
      for (const int atom : atoms) {
        std::copy_n(from, x.layout->size(i),
                    rows + ((1 + K) * std::ptrdiff_t{atom} + plane) * stride + x.layout->offset(i));
        from += x.layout->size(i);
      }
  }
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
