#pragma once

#include <string>
#include <vector>

#include "models/equivariant/irreps.hpp"

namespace grapevine::equivariant {

/// An equivariant root mean square norm: z -> weight z / sqrt( sum_i share_i |z_i|^2 + epsilon ), where |z_i|^2 is over
/// all channels and components of the irreps i of a list.
struct RmsNorm {
  std::vector<double> share;   ///< [irreps] not negative
  std::vector<double> weight;  ///< [channels of all irreps]
  double epsilon = 0;          ///< positive

  bool operator==(const RmsNorm&) const = default;
};

/// Throws Error, starting with `name`, unless it fits the list.
void check_norm(const std::string& name, const RmsNorm& norm, const IrrepsList& list);

}  // namespace grapevine::equivariant
