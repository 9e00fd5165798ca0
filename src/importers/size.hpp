#pragma once

#include <cstddef>

namespace grapevine {

/// A number of channels, rows or components that is known not to be negative, as containers count.
inline std::size_t size(int n) { return static_cast<std::size_t>(n); }

}  // namespace grapevine
