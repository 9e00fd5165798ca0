#include "models/equivariant/rms_norm.hpp"

#include <cmath>
#include <cstddef>

#include "models/equivariant/linear.hpp"
#include "support/error.hpp"

namespace grapevine::equivariant {

void check_norm(const std::string& name, const RmsNorm& norm, const IrrepsList& list) {
  check_values(name + ": shares of the norm", norm.share, list.size());
  for (const double share : norm.share)
    if (share < 0) throw Error(name + ": a share of the norm is negative");
  check_values(name + ": weight of the norm", norm.weight, static_cast<std::size_t>(channels(list)));
  if (!(norm.epsilon > 0) || !std::isfinite(norm.epsilon))
    throw Error(name + ": the smallest square of the norm is not positive");
}

}  // namespace grapevine::equivariant
