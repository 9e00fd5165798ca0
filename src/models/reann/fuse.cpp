#include "models/reann/fuse.hpp"

#include <cstddef>

namespace grapevine::reann {

std::vector<double> fuse_with_mixing(const Parameters& parameters, int t, const Linear& linear) {
  const int K = parameters.waves;
  const int M = parameters.orbitals;
  std::vector<double> fused;
  for (int o = 0; o < linear.outputs; ++o)
    for (int l = 0; l <= parameters.max_order; ++l) {
      const double* H = &parameters.mixing[(static_cast<std::size_t>(t) * (parameters.max_order + 1) + l) * K * M];
      for (int k = 0; k < K; ++k)
        for (int q = k; q < K; ++q) {
          double sum = 0;
          for (int m = 0; m < M; ++m)
            sum += linear.weight[static_cast<std::size_t>(o) * M + m] * H[k * M + m] * H[q * M + m];
          fused.push_back(k == q ? sum : 2 * sum);
        }
    }
  return fused;
}

}  // namespace grapevine::reann
