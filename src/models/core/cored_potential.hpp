#pragma once

#include <memory>

#include "engine/model.hpp"
#include "models/core/core.hpp"

namespace grapevine {

/// A potential with a core on top; everything else is the potential's own. Throws Error if check() does.
std::shared_ptr<const Potential> with_core(std::shared_ptr<const Potential> potential, const Core& core);

}  // namespace grapevine
