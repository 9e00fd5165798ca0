#include "models/equivariant/path_table-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace grapevine::equivariant::HWY_NAMESPACE {

template <>
PathKernel<double, ExactWeights<double>> find_path_kernel_of<double, ExactWeights<double>, 2, 2>(int l1, int l2,
                                                                                                 int l3);
template <>
PathKernel<double, ExactWeights<double>> find_path_kernel_of<double, ExactWeights<double>, 3, 3>(int l1, int l2,
                                                                                                 int l3);
template <>
PathKernel<double, ExactWeights<double>> find_path_kernel_of<double, ExactWeights<double>, 4, 4>(int l1, int l2,
                                                                                                 int l3);

template <>
PathKernel<double, ExactWeights<double>> find_path_kernel(int l1, int l2, int l3) {
  if (l1 < 2) return make_path_kernel_of<double, ExactWeights<double>, 0, 1>(l1, l2, l3);
  if (l1 == 2) return find_path_kernel_of<double, ExactWeights<double>, 2, 2>(l1, l2, l3);
  if (l1 == 3) return find_path_kernel_of<double, ExactWeights<double>, 3, 3>(l1, l2, l3);
  return find_path_kernel_of<double, ExactWeights<double>, 4, 4>(l1, l2, l3);
}

}  // namespace grapevine::equivariant::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
