// Numbers that lie side by side.
#if defined(GRAPEVINE_EQUIVARIANT_LINE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_LINE_INL
#undef GRAPEVINE_EQUIVARIANT_LINE_INL
#else
#define GRAPEVINE_EQUIVARIANT_LINE_INL
#endif

#include <type_traits>

#include "simd/jet-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

using namespace simd::HWY_NAMESPACE;

/// What kernels compute with: numbers, or numbers with their changes in K directions. Arrays hold the changes in
/// planes: as many numbers again for each direction, behind the values.
template <class Real, int K>
using Changing = std::conditional_t<K == 0, Real, simd::Jet<Real, K>>;

inline constexpr int line_bytes = 64;

/// A cache line of numbers: channels, edges and weights come in these.
template <class Scalar>
using Line = Pack<Scalar, line_bytes / static_cast<int>(sizeof(simd::Constant<Scalar>))>;

/// A register full of numbers: what the kernels of products take at a time, as they need many of them.
template <class Scalar>
using Register = Pack<Scalar, Line<simd::Constant<Scalar>>::vector_lanes>;

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
