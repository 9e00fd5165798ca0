#pragma once

#include <string>

namespace grapevine {

/// Three digits, or the whole number where it has more: "0.0123", "12.3", "1234".
std::string number_text(double value);

}  // namespace grapevine
