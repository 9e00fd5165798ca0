// Numbers that lie side by side.
#if defined(GRAPEVINE_EQUIVARIANT_LINE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_LINE_INL
#undef GRAPEVINE_EQUIVARIANT_LINE_INL
#else
#define GRAPEVINE_EQUIVARIANT_LINE_INL
#endif

#include "simd/pack-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

using namespace simd::HWY_NAMESPACE;

/// A register full of numbers: what the kernels of products take at a time, as they need many of them.
template <class Real>
using Register = Pack<Real, Pack<Real, static_cast<int>(64 / sizeof(Real))>::vector_lanes>;

/// A cache line of numbers: channels, edges and weights come in these.
template <class Real>
using Line = Pack<Real, static_cast<int>(64 / sizeof(Real))>;

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
