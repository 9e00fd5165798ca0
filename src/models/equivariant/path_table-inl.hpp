// The table of kernels of products, for the files that compile it.
#if defined(GRAPEVINE_EQUIVARIANT_PATH_TABLE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef GRAPEVINE_EQUIVARIANT_PATH_TABLE_INL
#undef GRAPEVINE_EQUIVARIANT_PATH_TABLE_INL
#else
#define GRAPEVINE_EQUIVARIANT_PATH_TABLE_INL
#endif

#include <algorithm>
#include <utility>

#include "models/equivariant/path_kernels-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

template <class Function, int... i>
HWY_INLINE void unroll(std::integer_sequence<int, i...> /*indices*/, const Function& function) {
  (function(std::integral_constant<int, i>()), ...);
}

/// function(0), ..., function(count - 1), each with a number that the compiler knows.
template <int count, class Function>
HWY_INLINE void unroll(const Function& function) {
  unroll(std::make_integer_sequence<int, count>(), function);
}

/// Kernels of l1 = lowest .. highest. Split in ranges, as each takes minutes to compile.
template <class Real, class Weights, int lowest, int highest>
PathKernel<Real, Weights> find_path_kernel_of(int l1, int l2, int l3);

template <int l1, int l2, int l3, class Real, class Weights>
PathKernel<Real, Weights> make_path_kernel() {
  PathKernel<Real, Weights> kernel;
  kernel.places = Coupling<l1, l2, l3>::place_count;
  kernel.couple = couple<l1, l2, l3, Real>;
  kernel.sum[0] = sum_products<l1, l2, l3, 1, 0, Real, Weights>;
  kernel.sum_with_tangents[0] = sum_products<l1, l2, l3, 1, tangent_count, Real, Weights>;
  kernel.gradient[0] = product_gradients<l1, l2, l3, 1, Real, Weights>;
#ifndef GRAPEVINE_FEW_SHAPES
  constexpr int highest = std::max({l1, l2, l3});
  constexpr int lanes = Register<Real>::lanes;
  if constexpr (sizeof(Real) == sizeof(float)) {
    if constexpr (highest < 4 && lanes >= 8) {
      kernel.sum[1] = sum_products<l1, l2, l3, 2, 0, Real, Weights>;
      kernel.gradient[1] = product_gradients<l1, l2, l3, 2, Real, Weights>;
    }
    // Of sixteen registers (AVX2) four times one message fit, but not four times three.
    if constexpr (highest < 3 && (lanes >= 16 || (lanes >= 8 && l3 == 0))) {
      kernel.sum[2] = sum_products<l1, l2, l3, 4, 0, Real, Weights>;
      kernel.gradient[2] = product_gradients<l1, l2, l3, 4, Real, Weights>;
    }
  }
#endif
  return kernel;
}

/// Calls function(l1, l2, l3) for orders that couple, numbers that the compiler knows; those of l1 from lowest to
/// highest, the others up to `most`.
template <int lowest, int highest, int most, class Function>
HWY_INLINE void for_each_coupling(const Function& function) {
  unroll<highest - lowest + 1>([&](auto a) HWY_ATTR {
    unroll<most + 1>([&](auto b) HWY_ATTR {
      unroll<most + 1>([&](auto c) HWY_ATTR {
        constexpr int order = lowest + a;
        if constexpr (order + b >= c && order + c >= b && b + c >= order)
          function(std::integral_constant<int, order>(), b, c);
      });
    });
  });
}

template <class Real, class Weights, int lowest, int highest>
PathKernel<Real, Weights> make_path_kernel_of(int l1, int l2, int l3) {
  PathKernel<Real, Weights> found;
  for_each_coupling<lowest, highest, max_order>([&](auto a, auto b, auto c) HWY_ATTR {
    if (l1 == a && l2 == b && l3 == c) found = make_path_kernel<a, b, c, Real, Weights>();
  });
  return found;
}

template <class Real, class Weights>
void add_dual_kernels_of(int l1, int l2, int l3, PathKernel<Real, Weights>& kernel) {
  for_each_coupling<0, max_trained_order, max_trained_order>([&](auto a, auto b, auto c) HWY_ATTR {
    if (l1 != a || l2 != b || l3 != c) return;
    kernel.sum_in_duals[0] = sum_products<a, b, c, 1, 1, Real, Weights>;
    kernel.gradient_in_duals[0] = product_gradients_in_duals<a, b, c, Real, Weights>;
  });
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
