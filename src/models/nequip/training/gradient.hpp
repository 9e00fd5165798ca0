#pragma once

#include <memory>

#include "models/gradient_kernels.hpp"
#include "models/nequip/parameters.hpp"

namespace grapevine::nequip {

/// In the best instruction set that this processor has. The parameters must have passed check(). In the gradient what
/// is not trained stays as it is.
template <class Real>
std::unique_ptr<GradientKernels<Parameters>> make_gradient_kernels(const Parameters& parameters);

template <>
std::unique_ptr<GradientKernels<Parameters>> make_gradient_kernels<double>(const Parameters& parameters);
template <>
std::unique_ptr<GradientKernels<Parameters>> make_gradient_kernels<float>(const Parameters& parameters);

}  // namespace grapevine::nequip
