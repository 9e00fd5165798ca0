#pragma once

#include <string_view>

namespace grapevine {

/// Chemical symbol of an atomic number 1 .. 118; empty for any other number.
std::string_view element_symbol(long number);

}  // namespace grapevine
