#pragma once

#include <string_view>

namespace grapevine {

/// Chemical symbol of an atomic number 1 .. 118; empty for any other number.
std::string_view element_symbol(long number);

/// Atomic number of a chemical symbol; 0 if there is no such element.
int atomic_number(std::string_view symbol);

}  // namespace grapevine
