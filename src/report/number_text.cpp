#include "report/number_text.hpp"

#include <fmt/format.h>

#include <cmath>

namespace grapevine {

std::string number_text(double value) {
  constexpr double three_digits = 999.5;
  constexpr double no_more_digits = 1e9;
  const double size = std::abs(value);
  return size >= three_digits && size < no_more_digits ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

}  // namespace grapevine
