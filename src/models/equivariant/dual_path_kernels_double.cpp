#include "models/equivariant/path_table-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

template <>
void add_dual_kernels(int l1, int l2, int l3, PathKernel<double, ExactWeights<double>>& kernel) {
  add_dual_kernels_of<double, ExactWeights<double>>(l1, l2, l3, kernel);
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
