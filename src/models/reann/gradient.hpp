#pragma once

#include <memory>

#include "models/gradient_kernels.hpp"
#include "models/reann/parameters.hpp"

namespace grapevine::reann {

using GradientKernels = grapevine::GradientKernels<Parameters>;

/// In the best instruction set that this processor has. The parameters must have passed check(), and networks of one
/// layer must not differ in structure from species to species.
template <class Real>
std::unique_ptr<GradientKernels> make_gradient_kernels(const Parameters& parameters);

template <>
std::unique_ptr<GradientKernels> make_gradient_kernels<double>(const Parameters& parameters);
template <>
std::unique_ptr<GradientKernels> make_gradient_kernels<float>(const Parameters& parameters);

}  // namespace grapevine::reann
