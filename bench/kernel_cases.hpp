#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "samples.hpp"

namespace grapevine::kernel_bench {

/// One kernel with its data.
struct KernelCase {
  std::string name;
  std::function<void()> run;
  double flops;      ///< of one run
  const char* item;  ///< "atom", "edge" or "entry" (of a neighbour list)
  double items;      ///< of one run
};

/// All kernels in the instruction set that Google Highway has chosen, small ones first. The sample is shared with them.
template <class Real>
std::vector<KernelCase> make_kernel_cases(const std::shared_ptr<const Sample>& sample);
template <>
std::vector<KernelCase> make_kernel_cases<float>(const std::shared_ptr<const Sample>& sample);
template <>
std::vector<KernelCase> make_kernel_cases<double>(const std::shared_ptr<const Sample>& sample);

/// Independent fused multiply-adds in the registers of the chosen instruction set; returns the operations done.
template <class Real>
double run_peak();
template <>
double run_peak<float>();
template <>
double run_peak<double>();

}  // namespace grapevine::kernel_bench
