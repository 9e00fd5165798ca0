// The kernels of products by the orders they couple.
#if defined(GRAPEVINE_EQUIVARIANT_PATH_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_PATH_KERNELS_INL
#undef GRAPEVINE_EQUIVARIANT_PATH_KERNELS_INL
#else
#define GRAPEVINE_EQUIVARIANT_PATH_KERNELS_INL
#endif

#include "models/equivariant/products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

/// Channels go through a kernel in strips of four, two or one register, as many as there are registers for.
inline constexpr int strip_kinds = 3;

template <class Real, class Weights>
struct PathKernel {
  using Couple = void (*)(const EdgeGeometry<Real>&, Real*);
  using Sum = void (*)(const CentreEdges<Real>&, const Neighbours<Real>&, const Weights&, int, Real*, std::ptrdiff_t);
  using Gradient = void (*)(const CentreEdges<Real>&, const Neighbours<Real>&, const Weights&, int, const Real*,
                            std::ptrdiff_t, Real*, Real*);
  int places = 0;
  Couple couple = nullptr;
  Sum sum[strip_kinds] = {};  // of 1, 2 and 4 registers; null where there is none
  Gradient gradient[strip_kinds] = {};
};

/// The kernel for orders that couple. Compiled in files of its own for each pair of types: path_kernels_*.cpp.
template <class Real, class Weights>
PathKernel<Real, Weights> find_path_kernel(int l1, int l2, int l3);

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
