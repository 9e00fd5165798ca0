// The kernels of products by the orders they couple.
#if defined(GRAPEVINE_NEQUIP_PATH_KERNELS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_NEQUIP_PATH_KERNELS_INL
#undef GRAPEVINE_NEQUIP_PATH_KERNELS_INL
#else
#define GRAPEVINE_NEQUIP_PATH_KERNELS_INL
#endif

#include "models/nequip/products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::nequip::HWY_NAMESPACE {

/// Channels go through a kernel in strips of four, two or one line, as many as the registers can hold.
inline constexpr int strip_kinds = 3;

template <class Real, class Weights>
struct PathKernel {
  using Couple = void (*)(const EdgeGeometry<Real>&, Real*);
  using Sum = void (*)(const CentreEdges<Real>&, const Neighbours<Real>&, const Weights&, int, Real*, std::ptrdiff_t);
  using Gradient = void (*)(const CentreEdges<Real>&, const Neighbours<Real>&, const Weights&, int, const Real*,
                            std::ptrdiff_t, Real*, Real*);
  int places = 0;
  Couple couple = nullptr;
  Sum sum[strip_kinds] = {};  // of 1, 2 and 4 lines; null where there is none
  Gradient gradient[strip_kinds] = {};
};

template <int l1, int l2, int l3, class Real, class Weights>
PathKernel<Real, Weights> make_path_kernel() {
  PathKernel<Real, Weights> kernel;
  kernel.places = Coupling<l1, l2, l3>::places.count;
  kernel.couple = couple<l1, l2, l3, Real>;
  kernel.sum[0] = sum_products<l1, l2, l3, 1, Real, Weights>;
  kernel.gradient[0] = product_gradients<l1, l2, l3, 1, Real, Weights>;
#ifndef GRAPEVINE_FEW_SHAPES
  if constexpr (Line<Real>::parts == 1 && sizeof(Real) == sizeof(float)) {
    kernel.sum[1] = sum_products<l1, l2, l3, 2, Real, Weights>;
    kernel.gradient[1] = product_gradients<l1, l2, l3, 2, Real, Weights>;
    if constexpr (l1 < 3 && l2 < 3 && l3 < 3) {
      kernel.sum[2] = sum_products<l1, l2, l3, 4, Real, Weights>;
      kernel.gradient[2] = product_gradients<l1, l2, l3, 4, Real, Weights>;
    }
  }
#endif
  return kernel;
}

template <class Real, class Weights>
PathKernel<Real, Weights> find_path_kernel(int l1, int l2, int l3) {
  PathKernel<Real, Weights> found;
  unroll<max_order + 1>([&](auto a) HWY_ATTR {
    unroll<max_order + 1>([&](auto b) HWY_ATTR {
      unroll<max_order + 1>([&](auto c) HWY_ATTR {
        if constexpr (a + b >= c && a + c >= b && b + c >= a)
          if (l1 == a && l2 == b && l3 == c) found = make_path_kernel<a, b, c, Real, Weights>();
      });
    });
  });
  return found;
}

}  // namespace grapevine::nequip::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
