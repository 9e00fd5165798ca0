#include "models/equivariant/path_table-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

template <>
PathKernel<float, SplineWeights<float>> find_path_kernel_of<float, SplineWeights<float>, 2, 2>(int l1, int l2, int l3);
template <>
PathKernel<float, SplineWeights<float>> find_path_kernel_of<float, SplineWeights<float>, 3, 3>(int l1, int l2, int l3);
template <>
PathKernel<float, SplineWeights<float>> find_path_kernel_of<float, SplineWeights<float>, 4, 4>(int l1, int l2, int l3);

template <>
PathKernel<float, SplineWeights<float>> find_path_kernel(int l1, int l2, int l3) {
  if (l1 < 2) return make_path_kernel_of<float, SplineWeights<float>, 0, 1>(l1, l2, l3);
  if (l1 == 2) return find_path_kernel_of<float, SplineWeights<float>, 2, 2>(l1, l2, l3);
  if (l1 == 3) return find_path_kernel_of<float, SplineWeights<float>, 3, 3>(l1, l2, l3);
  return find_path_kernel_of<float, SplineWeights<float>, 4, 4>(l1, l2, l3);
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
