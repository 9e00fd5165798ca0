#pragma once

#include <memory>
#include <vector>

#include "kernel_cases.hpp"

namespace grapevine::kernel_bench {

/// The passes of the model and a whole evaluation, through the engine's interfaces.
template <class Real>
std::vector<KernelCase> make_pass_cases(const std::shared_ptr<const Sample>& sample);

extern template std::vector<KernelCase> make_pass_cases<float>(const std::shared_ptr<const Sample>& sample);
extern template std::vector<KernelCase> make_pass_cases<double>(const std::shared_ptr<const Sample>& sample);

}  // namespace grapevine::kernel_bench
