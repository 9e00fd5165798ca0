#pragma once

#include <vector>

#include "kernel_cases.hpp"

namespace grapevine::kernel_bench {

/// The passes of random MACE models and their whole evaluation, through the engine's interfaces: water, a cutoff of 5
/// Angstrom, nu = 3, harmonics up to l = 3, two interactions.
template <class Real>
std::vector<KernelCase> make_mace_cases(const std::shared_ptr<const System>& water);

extern template std::vector<KernelCase> make_mace_cases<float>(const std::shared_ptr<const System>& water);
extern template std::vector<KernelCase> make_mace_cases<double>(const std::shared_ptr<const System>& water);

}  // namespace grapevine::kernel_bench
