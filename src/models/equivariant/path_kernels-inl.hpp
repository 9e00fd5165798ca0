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
  using Couple = void (*)(const EdgeGeometry<Real>&, int, Real*);
  template <int K>
  using SumOf = void (*)(const CentreEdges<Real, K>&, const Neighbours<Real>&, const Weights&, int,
                         const MessageRow<Real>&);
  using Gradient = void (*)(const CentreEdges<Real>&, const Neighbours<Real>&, const Weights&, int, const Real*,
                            std::ptrdiff_t, Real*, Real*);
  using DualGradient = void (*)(const CentreEdges<Real, 1>&, const Neighbours<Real>&, const Weights&, int,
                                const MessageRow<Real>&, const WeightGradient<Real>&);
  int places = 0;
  Couple couple = nullptr;
  SumOf<0> sum[strip_kinds] = {};  // of 1, 2 and 4 registers; null where there is none
  SumOf<tangent_count> sum_with_tangents[1] = {};
  Gradient gradient[strip_kinds] = {};
  SumOf<1> sum_in_duals[1] = {};  // those in duals are for training: see add_dual_kernels()
  DualGradient gradient_in_duals[1] = {};

  /// The sum with changes in K directions.
  template <int K>
  const auto& sums() const {
    if constexpr (K == 0)
      return sum;
    else if constexpr (K == 1)
      return sum_in_duals;
    else
      return sum_with_tangents;
  }
};

/// The kernel for orders that couple. Compiled in files of its own for each pair of types: path_kernels_*.cpp.
template <class Real, class Weights>
PathKernel<Real, Weights> find_path_kernel(int l1, int l2, int l3);

/// Orders up to which potentials can be trained.
inline constexpr int max_trained_order = 3;

/// What training needs besides, of orders up to that. Compiled in files of its own: dual_path_kernels_*.cpp.
template <class Real, class Weights>
void add_dual_kernels(int l1, int l2, int l3, PathKernel<Real, Weights>& kernel);

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
