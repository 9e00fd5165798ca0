#include "models/equivariant/path_table-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

template <>
PathKernel<float, SplineWeights<float>> find_path_kernel_of<float, SplineWeights<float>, 4, 4>(int l1, int l2, int l3) {
  return make_path_kernel_of<float, SplineWeights<float>, 4, 4>(l1, l2, l3);
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
