#pragma once

#include <memory>
#include <type_traits>

#include "engine/model.hpp"

namespace grapevine {

/// The potential in the precision of Real.
template <class Real>
std::shared_ptr<const Model<Real>> model_of(const Potential& potential) {
  if constexpr (std::is_same_v<Real, double>)
    return potential.model_in_double();
  else
    return potential.model_in_mixed();
}

}  // namespace grapevine
